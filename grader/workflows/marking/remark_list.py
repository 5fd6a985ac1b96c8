"""`grader remark list`: requests, each with its age and the date until which the course took requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.errors import UsageError
from grader.grading.remarks import is_late
from grader.grading.requests import State
from grader.rubric.model import Policy
from grader.rubric.problems import nearest
from grader.store import History, Store
from grader.store.remarks import Remark
from grader.workflows.marking.remark import policy_of
from grader.workflows.views.filters import criteria_of, require_criterion
from grader.workflows.views.identity import real_names
from grader.workflows.views.known import require_assignment

__all__ = ["Listed", "list_requests", "listed_at", "with_deadlines"]


@dataclass(frozen=True)
class Listed:
    """A request as it stands at one moment.

    Attributes:
        deadline: `remarks_open_until` of the rubric that the student's verdict stands on; None where the
            course set none.
        overdue: It still waits for a decision although the course takes no requests any more.
    """

    remark: Remark
    age: timedelta
    deadline: datetime | None
    overdue: bool


def list_requests(
    store: Store,
    *,
    assignment: str | None = None,
    student: str | None = None,
    criterion: str | None = None,
    state: State | None = None,
    only_open: bool = False,
) -> list[Remark]:
    """Requests in the order in which they were opened.

    Args:
        store: Where they are.
        assignment: Only this one's.
        student: Only this one's, by id or pseudonym.
        criterion: Only those about it.
        state: Only those in this state.
        only_open: Only those that wait for a decision.

    Raises:
        UsageError: No assignment, student or criterion is called so.
    """
    with store.reading() as history:
        if assignment is not None:
            require_assignment(history, assignment)
        student = _known_student(history, assignment, student)
        found = history.remarks(assignment=assignment, student=student)
        if criterion is not None and all(item.criterion != criterion for item in found):
            known = criteria_of(history.results(assignment=assignment))
            require_criterion(criterion, known, assignment)
    return [
        remark
        for remark in found
        if criterion in (None, remark.criterion)
        and state in (None, remark.state)
        and (remark.state.is_open or not only_open)
    ]


def _known_student(history: History, assignment: str | None, student: str | None) -> str | None:
    if student is None:
        return None
    [name] = real_names(history, assignment, [student])
    if not history.handed_in(name, assignment):
        works = history.assignments() if assignment is None else [assignment]
        known = {name for work in works for name in history.students(work)}
        hint = nearest(name, known).partition("; known")[0]
        raise UsageError(f"'{name}' handed in nothing{f' for {assignment}' if assignment else ''}{hint}")
    return name


def with_deadlines(store: Store, requests: Sequence[Remark]) -> list[Listed]:
    """Adds what the clock and the course's rules say of each request, in the order given."""
    now, policies = store.clock(), _policies(store, requests)
    return [
        listed_at(item, now, policies.get((item.assignment, item.student), Policy())) for item in requests
    ]


def listed_at(remark: Remark, now: datetime, policy: Policy) -> Listed:
    """A request as it stands at this moment by these rules."""
    overdue = remark.state.is_open and is_late(policy, now)
    return Listed(remark, now - remark.opened_at, policy.remarks_open_until, overdue)


def _policies(store: Store, requests: Sequence[Remark]) -> dict[tuple[str, str], Policy]:
    """The rules that each student's verdict stands on, by assignment and student."""
    asked = {(item.assignment, item.student) for item in requests}
    with store.reading() as history:
        results = list(history.results(students={student for _, student in asked}, with_dropped=True))
    return {
        (result.assignment, result.student): policy_of(store, result)
        for result in results
        if (result.assignment, result.student) in asked and result.rubric is not None
    }
