"""When data were looked at: before, during or after the trainings."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Unknown, sure
from grader.facts.training.data_use import TestData
from grader.facts.training.runs import runs_in
from grader.facts.training.seen import ran, seen_runs

__all__ = ["early_looks", "trained_on_test", "tuned_on_test", "tuning_seen", "unrecorded_looks"]


def early_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations of test data before the last of these runs began."""
    test_data = TestData.of(case)
    return [look for look in _looks_before(case, runs) if sure(test_data.is_test(look.source, (look.cell,)))]


def trained_on_test(case: Case, runs: tuple[TrainingRun, ...]) -> list[TrainingRun]:
    """Those of some runs that certainly got test data."""
    test_data = TestData.of(case)
    return [run for run in runs if sure(test_data.is_test(run.source, (run.cell, run.last_cell)))]


def unrecorded_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations before the last of these runs began, on data of which nothing was recorded."""
    test_data = TestData.of(case)
    return [look for look in _looks_before(case, runs) if test_data.is_unrecorded(look.source)]


def _looks_before(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    last = max((run.order for run in runs), default=0)
    return [look for look in case.evidence.training.evaluations if look.order < last]


def tuned_on_test(case: Case, tuning: Sequence[str], allowed: int) -> list[tuple[EvaluationPass, Fact[bool]]]:
    """Looks at data during the runs that settings were chosen by, but for those that are allowed.

    Args:
        case: The submission.
        tuning: Sections in which settings are chosen; anywhere where none is named.
        allowed: How many of their runs may be followed by a look at the test data.

    Returns:
        Each with whether it was at test data.
    """
    test_data = TestData.of(case)
    runs = {run.index: run for run in runs_in(case, tuning)}
    cells = {cell for section in tuning for cell in case.alignment.cells_of(section)}
    looks = [
        (look, test_data.is_test(look.source, (look.cell,)))
        for look in case.evidence.training.evaluations
        if look.after_run in runs and (look.cell in cells or _within(look, runs[look.after_run]))
    ]
    certain = _beyond_allowed([look for look, fact in looks if sure(fact)], allowed)
    unsure = _beyond_allowed([look for look, fact in looks if isinstance(fact, Unknown)], allowed)
    return [(look, fact) for look, fact in looks if look in (*certain, *unsure)]


def tuning_seen(case: Case, tuning: Sequence[str], allowed: int) -> Fact[bool]:
    """Whether the parts in which settings are chosen are there, and ran.

    Where one is lost among others it makes no difference if no training at all looks at test data.
    """
    anywhere = tuned_on_test(case, (), allowed)
    nothing = seen_runs(case, tuning).map(lambda runs: bool(runs) and not anywhere)
    return sure(nothing) or ran(case, tuning)


def _beyond_allowed(looks: list[EvaluationPass], allowed: int) -> list[EvaluationPass]:
    """Looks that repeat within a run, or follow more runs than are allowed."""
    of_run: dict[int | None, int] = {}
    for look in looks:
        of_run[look.after_run] = of_run.get(look.after_run, 0) + look.passes
    repeated = [look for look in looks if of_run[look.after_run] > 1]
    return looks if len(of_run) > allowed else repeated


def _within(look: EvaluationPass, run: TrainingRun) -> bool:
    """Whether a look at data happened in the cells that trained."""
    last = run.last_cell if run.last_cell is not None else run.cell
    return (
        look.cell is not None and run.cell is not None and last is not None and run.cell <= look.cell <= last
    )
