"""Whether the loss function fits what the network gives and what it has to learn."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks._answers import nothing_handed_in
from grader.checks._losses import loss_name
from grader.checks._probes import own_cell_failed, stopped_early
from grader.checks._runs import object_name, runs_in, where_of
from grader.evidence.training import LossUse, TrainingRun
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement

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

Verdict = Literal["right", "wrong", "unsure"]


class LossFunction(Check):
    """Compares the loss function of each training run with what the network fed into it.

    Right are raw scores into CrossEntropyLoss or BCEWithLogitsLoss, log-softmax into NLLLoss or
    CrossEntropyLoss, and a sigmoid into BCELoss. A softmax or sigmoid before a loss that applies one itself
    is wrong, and so is a wrong number of classes. Other losses, and inputs that could not be traced, go to a
    TA.

    Fields: `classes` is the number of classes (2 may also be one score); `sections` limits the runs.
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
    sections: tuple[str, ...] = ()

    def section_names(self) -> tuple[str, ...]:
        return self.sections

    def judge(self, case: Case) -> Judgement:
        runs = runs_in(case, self.sections)
        if not runs:
            return _no_runs(case, self.sections)
        judged = [(run, *self._judge_run(run)) for run in runs]
        data = {"runs": [_describe(run, verdict) for run, verdict, _ in judged]}
        for verdict, make in (("wrong", Judgement.failed), ("unsure", Judgement.needs_ta)):
            found = [(run, reason) for run, each, reason in judged if each == verdict]
            if found:
                return make(found[0][1], where=where_of(run for run, _ in found), data=data)
        functions = ", ".join(dict.fromkeys(run.loss.function for run in runs if run.loss is not None))
        return Judgement.passed(f"{functions} fits what the network gives.", where=where_of(runs), data=data)

    def _judge_run(self, run: TrainingRun) -> tuple[Verdict, str]:
        loss = run.loss
        if loss is None:
            return "unsure", f"No loss function was seen in the run of cell {run.cell}; a TA looks at it."
        name = loss_name(loss.function)
        if name not in _TAKES:
            return "unsure", f"{loss.function} in cell {run.cell} is not one of the usual losses; a TA looks."
        kinds, by_class = _TAKES[name]
        if loss.input_kind == "unknown":
            return "unsure", f"What goes into {loss.function} in cell {run.cell} could not be traced."
        if loss.input_kind not in kinds:
            wanted = _WORDS[sorted(kinds)[-1]]
            return "wrong", (
                f"{loss.function} takes {wanted}, but `{object_name(run.model)}` gives it"
                f" {_WORDS[loss.input_kind]} in cell {run.cell}."
            )
        return self._judge_width(run, loss, by_class)

    def _judge_width(self, run: TrainingRun, loss: LossUse, by_class: bool) -> tuple[Verdict, str]:
        width = _width(loss, by_class)
        right = {self.classes} if by_class else {1, self.classes} if self.classes == 2 else {self.classes}
        if width is None or width in right:
            return "right", ""
        if not by_class and loss.input_shape == (self.classes,):
            text = f"{self.classes} scores of one image, or one of each, in cell {run.cell}: a TA looks."
            return "unsure", text
        scores = f"{width} score{'s' if width != 1 else ''}"
        return "wrong", (
            f"`{object_name(run.model)}` gives {scores} for each input in cell {run.cell};"
            f" there are {self.classes} classes."
        )


def _no_runs(case: Case, sections: tuple[str, ...]) -> Judgement:
    untouched = [judgement for section in sections if (judgement := nothing_handed_in(case, section))]
    if sections and len(untouched) == len(sections):
        return untouched[0]
    recorded = case.evidence.training.complete
    if sections or not recorded or stopped_early(case) or own_cell_failed(case):
        return Judgement.needs_ta("No training was seen where a loss function was to be chosen; a TA looks.")
    return Judgement.failed("No network was trained.")


def _width(loss: LossUse, by_class: bool) -> int | None:
    """Scores for each input; 1 where the batch is the only axis, and not squeezed away from a single image.

    Source: torch.nn.CrossEntropyLoss takes (C) with a target of () or (C), or (N, C), but no (N).
    """
    shape = loss.input_shape
    if not shape:
        return None
    if len(shape) == 1 and by_class:
        return shape[0]
    return 1 if len(shape) == 1 else shape[1] if len(shape) == 2 else None


def _describe(run: TrainingRun, verdict: Verdict) -> dict[str, Any]:
    loss = run.loss
    return {
        "run": run.index,
        "cell": run.cell,
        "function": None if loss is None else loss.function,
        "input_kind": None if loss is None else loss.input_kind,
        "input_shape": None if loss is None else list(loss.input_shape),
        "fits": verdict == "right" if verdict != "unsure" else None,
    }
