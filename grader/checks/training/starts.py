"""How training runs started: from fresh weights, from trained ones, or not to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.training.runs import object_name, where_of

__all__ = ["TOLD", "Starts", "accusation", "advice_on", "more", "places_of"]

#: Reasons and runs that a message tells in full.
TOLD = 3


@dataclass(frozen=True)
class Starts:
    """How each run of a notebook started.

    Attributes:
        runs: Those that the criterion is about, in order.
        carried: Those of all that went on from trained weights, as our run shows it.
        doubts: For each run, by index, why the student's own may have started otherwise.
        stories: What follows for the student's own order, where that is known.
    """

    case: Case
    runs: tuple[TrainingRun, ...]
    carried: tuple[TrainingRun, ...]
    doubts: dict[int, list[str]]
    stories: tuple[str, ...] = ()

    def of(self, run: TrainingRun) -> Literal["fresh", "carried", "open"]:
        """How a run started; open where there is a doubt, or where the record may lack something."""
        if self.doubts[run.index]:
            return "open"
        if run in self.carried:
            return "carried"
        return "fresh" if self.case.evidence.training.complete else "open"

    @property
    def certain(self) -> list[TrainingRun]:
        """Runs that without any doubt went on from trained weights."""
        return [run for run in self.runs if self.of(run) == "carried"]

    @property
    def reasons(self) -> list[str]:
        """All doubts, those about weights that were carried first."""
        carried = [run for run in self.runs if run in self.carried]
        others = [run for run in self.runs if run not in self.carried]
        found = [reason for run in (*carried, *others) for reason in self.doubts[run.index]]
        history = self.case.evidence.training
        if not history.complete:
            notes = "; ".join(history.notes) or "it was interrupted"
            found.append(f"The record of training is not complete: {notes}.")
        return found

    @property
    def open_text(self) -> str:
        """The doubts in sentences, with what follows from them."""
        reasons = self.reasons
        head = "Whether every run started from fresh weights could not be established."
        rest = more(len(reasons) - TOLD, "such reason", "")
        return " ".join([head, *reasons[:TOLD], *((rest,) if rest else ()), *self.stories])

    @property
    def doubtful_places(self) -> tuple[Where, ...]:
        return where_of(run for run in self.runs if self.doubts[run.index])

    def data(self) -> dict[str, Any]:
        """For exports: the runs that carried weights, and the doubts where there are any."""
        runs = [_describe(run) for run in self.runs if run in self.carried]
        reasons = self.reasons
        return {"runs": runs, "undetermined": False, **({"reasons": reasons} if reasons else {})}


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
    others = more(len(runs) - 1, "run", " did the same")
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


def more(others: int, noun: str, rest: str) -> str:
    """``2 more runs did the same.``; nothing where there are no others."""
    return f"{others} more {noun}{'s' if others > 1 else ''}{rest}." if others > 0 else ""


def _source_of(run: TrainingRun, case: Case) -> TrainingRun | None:
    runs = case.evidence.training.runs
    return next((other for other in runs if other.index == run.start.carried_from), None)


def _describe(run: TrainingRun) -> dict[str, Any]:
    return {
        "run": run.index,
        "cell": run.cell,
        "object": object_name(run.model),
        "model_class": run.model.class_name,
        "carried_from": run.start.carried_from,
        "carried_share": run.start.carried_share,
        "hyperparameters": dict(run.hyperparameters),
    }
