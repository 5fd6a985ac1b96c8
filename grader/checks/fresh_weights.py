"""Whether every training run started from fresh weights, as the student ran it."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks._answers import located, nothing_handed_in
from grader.checks._probes import own_cell_failed, stopped_early
from grader.checks._runs import object_name, runs_in, where_of
from grader.checks._settings import Became, Setting, became_of
from grader.checks._story import (
    FirstEpoch,
    doubts_about_carrying,
    doubts_about_freshness,
    doubts_about_place,
)
from grader.evidence.training import TrainingRun
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["FreshWeights"]


class FreshWeights(Check):
    """Finds training runs that go on from weights which an earlier run trained.

    A run is a carry-over where at least `threshold` of its trainable parameter tensors equal, by value,
    those at the end of an earlier run; so loading trained weights into a new object counts, and building
    the net again, resetting its parameters or loading the initial state does not. The notebook was run from
    top to bottom: where the submitted execution counts or outputs tell that the student's own order was
    another, both stories go to a TA and nobody is accused. The same holds where the object may not have been
    rebuilt only because a cell between the two runs failed.

    Fields: `sections` limits the runs looked at; `warm_starts` names sections in which going on is intended;
    `must_train` lists settings that have to be among the runs (each of them an equal part of the points);
    `first_epoch` tells from a printed first value of the learning curve whether a run was fresh.
    """

    example: ClassVar[str] = """\
- id: fresh-weights
  title: Both nets are trained from fresh weights
  points: 2
  check: fresh_weights
  must_train:
    - {model: [small_net, SmallNet], learning_rate: 0.01, batch_size: 64}
    - {model: [large_net, LargeNet], learning_rate: 0.01, batch_size: 64}
  first_epoch: {pattern: 'Epoch 1: Train err: ([0-9.]+)', fresh_at_least: 0.41, carried_at_most: 0.34}
"""

    check: Literal["fresh_weights"] = "fresh_weights"
    sections: tuple[str, ...] = ()
    warm_starts: tuple[str, ...] = ()
    threshold: float = Field(default=0.5, gt=0, le=1)
    must_train: tuple[Setting, ...] = ()
    first_epoch: FirstEpoch | None = None

    def section_names(self) -> tuple[str, ...]:
        settings = tuple(setting.section for setting in self.must_train if setting.section is not None)
        return (*self.sections, *self.warm_starts, *settings)

    def judge(self, case: Case) -> Judgement:
        placed = all(located(case, section) for section in self.sections)
        runs = runs_in(case, self.sections if placed else ())
        carried = [run for run in runs if self._is_carried(run, case)]
        others = [run for run in runs if run not in carried]
        doubts = {run.index: self._doubts_about(run, case, carried=True) for run in carried}
        doubts |= {run.index: self._doubts_about(run, case, carried=False) for run in others}
        certain = [run for run in carried if not doubts[run.index]]
        data = {"runs": [_describe(run) for run in carried], "undetermined": False}
        return _accusation(certain, case, data) if certain else self._weigh(case, runs, doubts, data)

    def _weigh(
        self, case: Case, runs: tuple[TrainingRun, ...], doubts: dict[int, list[str]], data: dict[str, Any]
    ) -> Judgement:
        """Judges runs of which none is certain to go on from trained weights."""
        history = case.evidence.training
        reasons = [reason for found in doubts.values() for reason in found]
        if not history.complete:
            reasons.append(f"The record of training is not complete: {_notes(history.notes)}.")
        if reasons:
            more = _more(len(reasons) - 1, "such reason", "")
            return Judgement.needs_ta(
                f"Whether every run started from fresh weights could not be established. {reasons[0]}{more}",
                where=where_of(run for run in runs if doubts[run.index]),
                data={**data, "undetermined": True},
            )
        return self._all_fresh(case, runs, data) if runs else self._nothing_trained(case, data)

    def _doubts_about(self, run: TrainingRun, case: Case, *, carried: bool) -> list[str]:
        """Reasons why our run may not tell how the student's own started."""
        if carried and math.isnan(run.start.carried_share):
            return [f"For the run in cell {run.cell} the share of carried weights is no number."]
        if carried:
            of_place = doubts_about_place(run, case, self.sections, self.warm_starts)
            return [*of_place, *doubts_about_carrying(run, case, self.first_epoch)]
        if run.start.determined:
            return doubts_about_freshness(run, case, self.first_epoch)
        reason = run.start.why or "unknown"
        return [f"For the run in cell {run.cell} the comparison could not be made ({reason})."]

    def _is_carried(self, run: TrainingRun, case: Case) -> bool:
        start = run.start
        # A share that is no number is no proof of fresh weights: `_doubts_about` has it looked at.
        if start.reloaded_initial or start.carried_from is None or start.carried_share < self.threshold:
            return False
        allowed = {cell for section in self.warm_starts for cell in case.alignment.cells_of(section)}
        return run.cell not in allowed

    def _nothing_trained(self, case: Case, data: dict[str, Any]) -> Judgement:
        untouched = [nothing_handed_in(case, section) for section in self.sections]
        if untouched and untouched[0] is not None and all(untouched):
            return untouched[0].model_copy(update={"data": data})
        unsure = {**data, "undetermined": True}
        if case.evidence.training.runs:
            text = "No training was seen in this part, only elsewhere; a TA looks at it."
            return Judgement.needs_ta(text, where=where_of(case.evidence.training.runs), data=unsure)
        if stopped_early(case) or own_cell_failed(case) or self._stored_outputs_show_training(case):
            return Judgement.needs_ta(
                "No training was seen in our run, which did not get through the notebook or differs from the"
                " outputs handed in; a TA looks at it.",
                data=unsure,
            )
        return Judgement.failed("No network was trained in this notebook.", data=data)

    def _stored_outputs_show_training(self, case: Case) -> bool:
        pattern = self.first_epoch
        return pattern is not None and any(pattern.values(cell) for cell in case.evidence.cells)

    def _all_fresh(self, case: Case, runs: tuple[TrainingRun, ...], data: dict[str, Any]) -> Judgement:
        count = f"{len(runs)} training run{'s' if len(runs) != 1 else ''}, each started from fresh weights"
        lacking = [each for each in self._trained(case) if each.state != "right"]
        where = where_of(runs)
        if lacking:
            return self._not_as_asked(f"{count}, but not trained as asked", lacking, where, data)
        if stopped_early(case):
            message = f"{count}, until our run ended before the last cell."
            return Judgement.needs_ta(message, where=where, data={**data, "undetermined": True})
        return Judgement.passed(f"{count}.", data=data)

    def _trained(self, case: Case) -> list[Became]:
        return [became_of(setting, case) for setting in self.must_train]

    def _not_as_asked(
        self, message: str, lacking: list[Became], where: tuple[Where, ...], data: dict[str, Any]
    ) -> Judgement:
        names = "; ".join(f"{each.setting.label} ({each.reason})" for each in lacking)
        text = f"{message}: {names}."
        share = 1.0 - len(lacking) / len(self.must_train)
        unsure = sum(each.state == "unsure" for each in lacking) / len(self.must_train)
        if unsure:
            judgement = Judgement.needs_ta(text, share=share, where=where, data=data)
            return judgement.model_copy(update={"open_share": unsure})
        if share == 0.0:
            return Judgement.failed(text, where=where, data=data)
        return Judgement.partial(share, text, where=where, data=data)


def _more(others: int, noun: str, rest: str) -> str:
    return f" {others} more {noun}{'s' if others > 1 else ''}{rest}." if others else ""


def _accusation(certain: list[TrainingRun], case: Case, data: dict[str, Any]) -> Judgement:
    by_index = {run.index: run for run in case.evidence.training.runs}
    first = certain[0]
    earlier = by_index.get(first.start.carried_from if first.start.carried_from is not None else -1)
    source = f"the run in cell {earlier.cell}" if earlier is not None else "an earlier run"
    more = _more(len(certain) - 1, "run", " did the same")
    return Judgement.failed(
        f"`{object_name(first.model)}` kept the weights of {source} when it was trained again in cell"
        f" {first.cell}: {first.start.carried_share:.0%} of its parameters were equal.{more}",
        where=where_of(certain),
        data=data,
        advice=f"Build the network again before each run, as `{object_name(first.model)} ="
        f" {first.model.class_name or 'Net'}()`.",
    )


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


def _notes(notes: tuple[str, ...]) -> str:
    return "; ".join(notes) if notes else "it was interrupted"
