"""Whether the loss function fits what the network gives and what it has to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.training import LossUse, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import SectionName, Where
from grader.facts.known import Fact, Known, Unknown, both, every
from grader.facts.networks.steps import steps_of_list
from grader.facts.notebook import located
from grader.facts.training.losses import loss_name, loss_of, width_of
from grader.facts.training.runs import object_name, runs_in, where_of
from grader.facts.training.seen import no_training, ran, reached_all
from grader.facts.training.squashing import Squashing, squashing_of
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_in_any

__all__ = ["LossFunction"]

#: By loss function: what has to go in, and whether it takes one score for each class.
_TAKES: dict[str, tuple[frozenset[str], bool]] = {
    "crossentropy": (frozenset({"logits", "log_probabilities"}), True),
    "nll": (frozenset({"log_probabilities"}), True),
    "bcewithlogits": (frozenset({"logits"}), False),
    "bce": (frozenset({"probabilities"}), False),
}
_WORDS = {
    "logits": "raw scores",
    "probabilities": "probabilities (after a sigmoid or softmax)",
    "log_probabilities": "log-probabilities",
}


class LossFunction(Check):
    """Compares the loss function of each training run with what the network fed into it.

    Right are raw scores into CrossEntropyLoss or BCEWithLogitsLoss, log-softmax into NLLLoss or
    CrossEntropyLoss, and a sigmoid into BCELoss. A softmax or sigmoid before a loss that applies one itself
    is wrong, and so is a wrong number of classes; where the network's class has one such call, its line is
    named. Other losses, and inputs that could not be traced, go to a TA.

    Fields: `classes` is the number of classes (2 may also be one score); `sections` limits the runs. Where
    one of them was not found all runs are looked at, and a TA decides. `without` names layer types that the
    network asked for has not: where only networks with such layers were trained, a loss that fits goes to a
    TA. That of another network earns nothing, and that it is another costs elsewhere.
    """

    example: ClassVar[str] = """\
- id: loss-function
  title: The loss function fits the network's outputs
  points: 1
  check: loss_function
  classes: 9
"""

    check: Literal["loss_function"] = "loss_function"
    classes: int = Field(ge=2)
    sections: tuple[SectionName, ...] = ()
    without: tuple[str, ...] = ()

    def judge(self, case: Case) -> Judgement:
        placed = all(located(case, section) for section in self.sections)
        runs = runs_in(case, self.sections if placed else ())
        if not runs:
            return _no_runs(case, self.sections)
        asked = tuple(run for run in runs if not self._others_in(run, case))
        others, runs = not asked, asked or runs
        fits = [self._fit_of(run, case) for run in runs]
        losses = (Table.of("losses", [_describe(fit) for fit in fits]),)
        wrong = [fit for fit in fits if fit.verdict == "wrong"]
        if wrong and placed and isinstance(wrong[0].fits, Known):
            return _wrong(wrong, wrong[0].fits, losses)
        if wrong:
            why = "Whether that belongs to this part is not known."
            return Judgement.needs_ta(wrong[0].reason, open=why, where=_places(wrong), exhibits=losses)
        if others:
            return self._another_network(runs, case)
        right = every(fit.fits for fit in fits)
        if isinstance(right, Unknown):
            unsure = [fit for fit in fits if fit.verdict == "unsure"]
            why = "So whether it fits is not known."
            return Judgement.needs_ta(unsure[0].reason, open=why, where=_places(unsure), exhibits=losses)
        lacking = _lacking(case, self.sections)
        if lacking:
            text = "The loss fits in every training that was seen."
            return Judgement.needs_ta(text, open=lacking, where=where_of(runs), exhibits=losses)
        functions = ", ".join(dict.fromkeys(run.loss.function for run in runs if run.loss is not None))
        text = f"{functions} fits what the network gives."
        return Judgement.passed(text, on=right, where=where_of(runs), exhibits=losses)

    def _others_in(self, run: TrainingRun, case: Case) -> list[str]:
        """Layer types of a run's network that the one asked for has not."""
        steps = steps_of_list(case.evidence.training.layers_of(run.model))
        return [step.type for step in steps if step.type in self.without]

    def _another_network(self, runs: tuple[TrainingRun, ...], case: Case) -> Judgement:
        name, kind = object_name(runs[0].model), self._others_in(runs[0], case)[0]
        text = f"`{name}`, trained in cell {runs[0].cell}, has a {kind}; the network asked for has none."
        why = "Whether the loss of another network counts here is for you to say."
        return Judgement.needs_ta(text, open=why, where=where_of(runs))

    def _fit_of(self, run: TrainingRun, case: Case) -> _Fit:
        if run.loss is None:
            return _Fit(run, Unknown("none"), f"No loss function was seen in the run of cell {run.cell}.")
        name = loss_name(run.loss.function)
        if name not in _TAKES:
            reason = f"{run.loss.function} in cell {run.cell} is not one of the usual losses."
            return _Fit(run, Unknown("unusual"), reason)
        kinds, by_class = _TAKES[name]
        used = loss_of(run)
        if isinstance(used, Unknown):
            return _Fit(run, used, f"{used.why[0].upper()}{used.why[1:]}.")
        loss = used.value
        if loss.input_kind not in kinds:
            squashing = squashing_of(run, case)
            wanted, given = _WORDS[sorted(kinds)[-1]], _given(loss, squashing)
            reason = f"{loss.function} takes {wanted}, but `{object_name(run.model)}` gives it {given}"
            return _Fit(run, used.map(lambda _: False), f"{reason} in cell {run.cell}.", squashing)
        return self._judge_width(run, used, by_class)

    def _judge_width(self, run: TrainingRun, used: Known[LossUse], by_class: bool) -> _Fit:
        width = width_of(used.value, by_class)
        right = {self.classes} if by_class else {1, self.classes} if self.classes == 2 else {self.classes}
        if width is None or width in right:
            return _Fit(run, used.map(lambda _: True), "")
        if not by_class and used.value.input_shape == (self.classes,):
            text = f"{self.classes} scores of one image, or one of each, in cell {run.cell}."
            return _Fit(run, Unknown("which axis holds the classes"), text)
        scores = f"{width} score{'s' if width != 1 else ''}"
        text = (
            f"`{object_name(run.model)}` gives {scores} for each input in cell {run.cell};"
            f" there are {self.classes} classes."
        )
        return _Fit(run, used.map(lambda _: False), text)


@dataclass(frozen=True)
class _Fit:
    """How a run's loss function fits, and why not."""

    run: TrainingRun
    fits: Fact[bool]
    reason: str
    squashing: Squashing | None = None

    @property
    def verdict(self) -> Literal["right", "wrong", "unsure"]:
        if isinstance(self.fits, Unknown):
            return "unsure"
        return "right" if self.fits.value else "wrong"


def _wrong(fits: list[_Fit], on: Known[bool], losses: tuple[Table, ...]) -> Judgement:
    advice, first = "", fits[0]
    if first.squashing is not None and first.run.loss is not None:
        advice = _advice(first.run.loss, first.squashing)
    return Judgement.failed(first.reason, on=on, where=_places(fits), exhibits=losses, advice=advice)


def _advice(loss: LossUse, squashing: Squashing) -> str:
    """What to do about a squashing that the loss applies itself; empty for losses that apply none."""
    own = {"crossentropy": "a softmax", "bcewithlogits": "a sigmoid"}.get(loss_name(loss.function))
    return f"Take the {squashing.name} out: {loss.function} applies {own} itself." if own else ""


def _given(loss: LossUse, squashing: Squashing | None) -> str:
    if squashing is None:
        return _WORDS[loss.input_kind]
    kind = loss.input_kind.replace("_", "-")
    place = squashing.where
    return f"{kind} (after the {squashing.name} in cell {place.cell}, line {place.line})"


def _places(fits: list[_Fit]) -> tuple[Where, ...]:
    """Where networks squash their scores, then where they were trained."""
    squashed = [fit.squashing.where for fit in fits if fit.squashing is not None]
    return tuple(dict.fromkeys((*squashed, *where_of(fit.run for fit in fits))))


def _lacking(case: Case, sections: tuple[str, ...]) -> str:
    """Why the trainings that were seen may not be those asked for; empty where they are."""
    if not case.evidence.training.complete:
        return "The record of them is not complete."
    there = both(ran(case, sections), reached_all(case, sections))
    return f"But {there.why}." if isinstance(there, Unknown) else ""


def _no_runs(case: Case, sections: tuple[str, ...]) -> Judgement:
    bare = nothing_in_any(case, sections)
    if bare is not None:
        return bare
    nothing = no_training(case)
    if isinstance(nothing, Known) and nothing.value:
        return Judgement.failed("No network was trained.", on=nothing)
    text = "No training was seen where a loss function was to be chosen."
    why = f"But {nothing.why}." if isinstance(nothing, Unknown) else "There are trainings elsewhere."
    return Judgement.needs_ta(text, open=why, where=answer_in(case).where if case.section else ())


def _describe(fit: _Fit) -> dict[str, Any]:
    run, loss = fit.run, fit.run.loss
    return {
        "run": run.index,
        "cell": run.cell,
        "function": None if loss is None else loss.function,
        "input_kind": None if loss is None else loss.input_kind,
        "input_shape": None if loss is None else list(loss.input_shape),
        "fits": fit.verdict == "right" if fit.verdict != "unsure" else None,
    }
