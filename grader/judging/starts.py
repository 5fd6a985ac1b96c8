"""How runs started, in words and as an exhibit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.training.runs import object_name, where_of
from grader.facts.training.starts import Starts
from grader.judging.exhibits import CarriedRun, RunTimeline

__all__ = ["accusation", "advice_on", "doubtful_places", "doubts_told", "places_of", "timeline"]

#: Reasons that a message tells in full.
_TOLD = 3


def doubts_told(starts: Starts) -> str:
    """The doubts in sentences, with what follows from them."""
    reasons = starts.reasons
    head = "Whether every run started from fresh weights could not be established."
    rest = _more(len(reasons) - _TOLD, "such reason", "")
    return " ".join([head, *reasons[:_TOLD], *((rest,) if rest else ()), *starts.stories])


def doubtful_places(starts: Starts) -> tuple[Where, ...]:
    return where_of(run for run in starts.runs if starts.doubts[run.index])


def timeline(starts: Starts, *, undetermined: bool = False) -> RunTimeline:
    """The runs that carried weights, and the doubts where there are any."""
    carried = tuple(_describe(run) for run in starts.runs if run in starts.carried)
    return RunTimeline(carried=carried, undetermined=undetermined, reasons=tuple(starts.reasons))


def accusation(runs: Sequence[TrainingRun], case: Case) -> str:
    """What is said of runs that went on from trained weights: the first in full."""
    first = runs[0]
    earlier = _source_of(first, case)
    source = f"the run in cell {earlier.cell}" if earlier is not None else "an earlier run"
    share = first.start.carried_share
    equal = (
        "it began with exactly the weights that the earlier run had ended with"
        if share >= 1.0
        else f"{share:.0%} of its weight tensors were exactly those that the earlier run had ended with"
    )
    others = _more(len(runs) - 1, "run", " did the same")
    text = (
        f"`{object_name(first.model)}` kept the weights of {source} when it was trained again in cell"
        f" {first.cell}: {equal}."
    )
    return f"{text} {others}".strip()


def advice_on(run: TrainingRun) -> str:
    """How to begin a run with fresh weights."""
    name, kind = object_name(run.model), run.model.class_name or "Net"
    return f"Build the network again before each run, as `{name} = {kind}()`."


def places_of(runs: Iterable[TrainingRun], case: Case) -> tuple[Where, ...]:
    """Each run, and the one whose weights it kept."""
    pairs = ((run, _source_of(run, case)) for run in runs)
    return where_of(run for pair in pairs for run in pair if run is not None)


def _more(others: int, noun: str, rest: str) -> str:
    """``2 more runs did the same.``; nothing where there are no others."""
    return f"{others} more {noun}{'s' if others > 1 else ''}{rest}." if others > 0 else ""


def _source_of(run: TrainingRun, case: Case) -> TrainingRun | None:
    runs = case.evidence.training.runs
    return next((other for other in runs if other.index == run.start.carried_from), None)


def _describe(run: TrainingRun) -> CarriedRun:
    return CarriedRun(
        run=run.index,
        cell=run.cell,
        object=object_name(run.model),
        model_class=run.model.class_name or "",
        carried_from=run.start.carried_from,
        carried_share=run.start.carried_share,
        hyperparameters=dict(run.hyperparameters),
    )
