"""Tables that several commands close with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.cli.console import number, print_table
from grader.evidence.record import Outcome
from grader.judging.judgement import Status
from grader.store.results import Result
from grader.workflows.marking.earlier_files import EarlierMarks
from grader.workflows.views.held import nothing_came, why_held

__all__ = ["closing_row", "closing_table", "look_at", "our_fault", "print_closing_rows"]


def closing_table(results: Iterable[Result], earlier: EarlierMarks) -> None:
    """Who got what, and what a person has to look at."""
    print_closing_rows([closing_row(result, earlier) for result in results])


def print_closing_rows(rows: Sequence[tuple[str, ...]]) -> None:
    columns = ("student", "assignment", "outcome", "points", "out of", "pending", "look at")
    print_table(columns, rows, right=("points", "out of", "pending"))


def closing_row(result: Result, earlier: EarlierMarks) -> tuple[str, ...]:
    """One line of `closing_table`."""
    return (
        result.student,
        result.assignment,
        result.attempt.outcome if result.attempt else "-" if result.damaged else "not run yet",
        *map(number, _points(result)),
        look_at(result, earlier.get((result.assignment, result.student), ())),
    )


def _points(result: Result) -> tuple[float | None, float | None, float | None]:
    mark = result.mark
    return (mark.shown, mark.out_of, mark.pending) if mark else (None, None, None)


def look_at(result: Result, earlier: Sequence[str] = ()) -> str:
    """What is the service's fault or a TA's task, in a few words.

    Args:
        result: Whose.
        earlier: Criteria that a TA marked on an earlier file.
    """
    old = f"marked on an earlier file: {', '.join(earlier)}" if earlier else ""
    return "; ".join(part for part in (our_fault(result), _for_ta(result), old) if part)


def our_fault(result: Result) -> str:
    """What the service owes this submission; empty where it owes nothing."""
    if result.damaged:
        return f"{result.damaged}; `grader audit` tells more"
    if result.attempt is None:
        return "not run yet"
    if Outcome(result.attempt.outcome).our_fault:
        return f"not run: {result.attempt.detail}"
    if result.unreadable is not None:
        return f"its verdict, row {result.unreadable}, cannot be read: `grader regrade` judges again"
    if result.verdict is None:
        return "not judged yet"
    findings = result.verdict.findings
    broken = [item.criterion for item in findings if item.status is Status.CHECK_ERROR]
    return f"check failed: {', '.join(broken)}" if broken else ""


def _for_ta(result: Result) -> str:
    if result.attempt is None or result.mark is None:
        return ""
    if nothing_came(result):
        return "handed in nothing"
    if reason := why_held(result):
        return f"could not be taken: {reason}; waits for a TA"
    waiting = [item.criterion for item in result.mark.criteria if item.pending]
    late = result.mark.late
    unknown = ["late by nobody knows how much"] if late is not None and late.undecided else []
    return "; ".join([*unknown, *([_waiting(len(waiting))] if waiting else [])])


def _waiting(criteria: int) -> str:
    return "1 criterion waits for a TA" if criteria == 1 else f"{criteria} criteria wait for a TA"
