"""How an attempt ended, in one line for course staff."""

from __future__ import annotations

from grader.errors import RubricError, StoreError
from grader.evidence.record import Outcome
from grader.store import Store
from grader.store.results import Result

__all__ = ["ending"]


def ending(store: Store, result: Result) -> str:
    """The attempt's detail; of cells that raised, which are the student's and which were given.

    Where the evidence cannot be read what was noted at the time has to do.
    """
    attempt = result.attempt
    if attempt is None:
        return ""
    if attempt.outcome != Outcome.CELL_ERROR or result.rubric is None:
        return attempt.detail
    try:
        return _raised(store, result) or attempt.detail
    except (StoreError, RubricError):
        return attempt.detail


def _raised(store: Store, result: Result) -> str:
    from grader.facts.raised import raised_in
    from grader.reporting.raised import raised_clause

    if result.attempt is None or result.rubric is None:
        return ""
    evidence = store.evidence(result.attempt).evidence
    given = store.rubric(result.rubric).given_cells(evidence.cells)
    return raised_clause(raised_in(evidence, given))
