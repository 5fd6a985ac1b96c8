"""Whether every training run started from fresh weights, as the student ran it."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks.training.asked_runs import judge_asked
from grader.checks.training.starts import Starts, accusation, advice_on, places_of
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.notebook import located, own_cell_failed, stopped_early
from grader.facts.training.runs import runs_in, where_of
from grader.facts.training.settings import Setting, fitting
from grader.facts.training.story import (
    FirstEpoch,
    doubts_about_carrying,
    doubts_about_freshness,
    doubts_about_place,
    students_own_order,
)
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

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
    `must_train` lists settings that have to be among the runs, from fresh weights: each is an equal part of
    the points, and a carry-over in any other run leaves half of them at most;
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
        starts = self._starts(case)
        if self.must_train and starts.runs:
            return judge_asked(self.must_train, starts)
        if starts.certain:
            return self._reused(starts.certain, starts)
        if starts.reasons:
            return Judgement.needs_ta(
                starts.open_text,
                where=starts.doubtful_places,
                data={**starts.data(), "undetermined": True},
            )
        return self._all_fresh(starts) if starts.runs else self._nothing_trained(case, starts.data())

    def _starts(self, case: Case) -> Starts:
        runs = case.evidence.training.runs
        carried = tuple(run for run in runs if self._is_carried(run, case))
        doubts = {run.index: self._doubts_about(run, case, carried=run in carried) for run in runs}
        stories = (students_own_order(run, case, self.first_epoch) for run in carried)
        placed = all(located(case, section) for section in self.sections)
        concerned = runs_in(case, self.sections if placed else ())
        asked = [run for setting in self.must_train for run in fitting(setting, case)]
        judged = tuple(run for run in runs if run in concerned or run in asked)
        return Starts(case, judged, carried, doubts, tuple(story for story in stories if story))

    def _reused(self, certain: list[TrainingRun], starts: Starts) -> Judgement:
        return Judgement.failed(
            accusation(certain, starts.case),
            where=places_of(certain, starts.case),
            data=starts.data(),
            advice=advice_on(certain[0]),
        )

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

    def _all_fresh(self, starts: Starts) -> Judgement:
        count = len(starts.runs)
        text = f"{count} training run{'s' if count != 1 else ''}, each started from fresh weights"
        if stopped_early(starts.case):
            return Judgement.needs_ta(
                f"{text}, until our run ended before the last cell.",
                where=where_of(starts.runs),
                data={**starts.data(), "undetermined": True},
            )
        return Judgement.passed(f"{text}.", data=starts.data())
