"""How training runs started: from fresh weights, from trained ones, or not to be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import located
from grader.facts.training.runs import runs_in
from grader.facts.training.settings import Setting, fitting
from grader.facts.training.story import (
    FirstEpoch,
    doubts_about_carrying,
    doubts_about_freshness,
    doubts_about_place,
    students_own_order,
)

__all__ = ["Concern", "Start", "Starts", "starts_of"]

Start = Literal["fresh", "carried"]


@dataclass(frozen=True)
class Concern:
    """Which runs are asked about, and what tells a carry-over.

    Attributes:
        sections: Those whose runs count; all runs where none is named.
        warm_starts: Sections in which going on is intended.
        threshold: Share of equal weight tensors from which on weights were carried.
        asked: Settings whose runs count wherever they are.
        first_epoch: How a printed learning curve tells fresh weights.
    """

    sections: Sequence[str]
    warm_starts: Sequence[str]
    threshold: float
    asked: Sequence[Setting] = ()
    first_epoch: FirstEpoch | None = None


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

    def of(self, run: TrainingRun) -> Fact[Start]:
        """How a run started; unknown where there is a doubt, or where the record may lack something."""
        if self.doubts[run.index]:
            return Unknown(self.doubts[run.index][0])
        if run in self.carried:
            return Known("carried")
        return Known("fresh") if self.case.evidence.training.complete else Unknown("the record may lack runs")

    @property
    def certain(self) -> list[TrainingRun]:
        """Runs that without any doubt went on from trained weights."""
        return [run for run in self.runs if self.of(run) == Known("carried")]

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


def starts_of(case: Case, concern: Concern) -> Starts:
    """Looks at the start of every run, and keeps those that are asked about."""
    runs = case.evidence.training.runs
    carried = tuple(run for run in runs if _is_carried(run, case, concern))
    doubts = {run.index: _doubts_about(run, case, concern, carried=run in carried) for run in runs}
    stories = (students_own_order(run, case, concern.first_epoch) for run in carried)
    placed = all(located(case, section) for section in concern.sections)
    concerned = runs_in(case, concern.sections if placed else ())
    asked = [run for setting in concern.asked for run in fitting(setting, case)]
    judged = tuple(run for run in runs if run in concerned or run in asked)
    return Starts(case, judged, carried, doubts, tuple(story for story in stories if story))


def _is_carried(run: TrainingRun, case: Case, concern: Concern) -> bool:
    start = run.start
    # A share that is no number is no proof of fresh weights: `_doubts_about` has it looked at.
    if start.reloaded_initial or start.carried_from is None or start.carried_share < concern.threshold:
        return False
    allowed = {cell for section in concern.warm_starts for cell in case.alignment.cells_of(section)}
    return run.cell not in allowed


def _doubts_about(run: TrainingRun, case: Case, concern: Concern, *, carried: bool) -> list[str]:
    """Reasons why our run may not tell how the student's own started."""
    if carried and math.isnan(run.start.carried_share):
        return [f"For the run in cell {run.cell} the share of carried weights is no number."]
    if carried:
        of_place = doubts_about_place(run, case, concern.sections, concern.warm_starts)
        return [*of_place, *doubts_about_carrying(run, case, concern.first_epoch)]
    if not run.start.determined:
        reason = run.start.why or "unknown"
        return [f"For the run in cell {run.cell} the comparison could not be made ({reason})."]
    if run.start.resembles and run.start.carried_share < concern.threshold:
        share = f"{run.start.carried_share:.0%} of its weight tensors are those of an earlier run"
        return [f"For the run in cell {run.cell} {share}, and {run.start.resembles}."]
    return doubts_about_freshness(run, case, concern.first_epoch)
