"""When data were looked at: before, during or after the trainings."""

from __future__ import annotations

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.known import sure
from grader.facts.training.data_use import TestData

__all__ = ["early_looks", "unrecorded_looks", "within"]


def early_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations of test data before the last of these runs began."""
    test_data = TestData.of(case)
    return [look for look in _looks_before(case, runs) if sure(test_data.is_test(look.source, (look.cell,)))]


def unrecorded_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations before the last of these runs began, on data of which nothing was recorded."""
    test_data = TestData.of(case)
    return [look for look in _looks_before(case, runs) if test_data.is_unrecorded(look.source)]


def _looks_before(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    last = max((run.order for run in runs), default=0)
    return [look for look in case.evidence.training.evaluations if look.order < last]


def within(look: EvaluationPass, run: TrainingRun) -> bool:
    """Whether a look at data happened in the cells that trained."""
    last = run.last_cell if run.last_cell is not None else run.cell
    return (
        look.cell is not None and run.cell is not None and last is not None and run.cell <= look.cell <= last
    )
