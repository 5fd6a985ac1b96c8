"""How an attempt ended, in one line for course staff."""

from __future__ import annotations

from contextlib import suppress

from grader.errors import RubricError, StoreError
from grader.evidence.record import Outcome
from grader.store import Store
from grader.store.results import Result
from grader.workflows.views.cells import NamedCells

__all__ = ["ending"]


def ending(store: Store, result: Result) -> str:
    """The attempt's detail; of cells that raised, which are the student's and which were given.

    Where the evidence cannot be read what was noted at the time has to do.
    """
    attempt = result.attempt
    if attempt is None:
        return ""
    said = attempt.detail
    if attempt.outcome == Outcome.CELL_ERROR and result.rubric is not None:
        with suppress(StoreError, RubricError):
            said = _raised(store, result) or said
    return NamedCells(store, result).text(said)


def _raised(store: Store, result: Result) -> str:
    from grader.facts.raised import raised_in
    from grader.reporting.raised import raised_clause

    if result.attempt is None or result.rubric is None:
        return ""
    evidence = store.evidence(result.attempt).evidence
    given = store.rubric(result.rubric).given_cells(evidence.cells)
    return raised_clause(raised_in(evidence, given))
