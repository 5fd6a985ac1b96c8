"""`grader remark list`: each request with its age and the date until which the course took requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.store import Store, history
from grader.store.remarks import Remark
from grader.workflows.remark import policy_of

__all__ = ["Listed", "with_deadlines"]


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


def with_deadlines(store: Store, requests: Sequence[Remark]) -> list[Listed]:
    """Adds what the clock and the course's rules say of each request, in the order given."""
    now, until = store.clock(), _deadlines(store, requests)
    return [_listed(item, now, until.get((item.row.assignment, item.row.student))) for item in requests]


def _listed(remark: Remark, now: datetime, deadline: datetime | None) -> Listed:
    overdue = remark.state.is_open and deadline is not None and now > deadline
    return Listed(remark, now - remark.opened_at, deadline, overdue)


def _deadlines(store: Store, requests: Sequence[Remark]) -> dict[tuple[str, str], datetime | None]:
    """By assignment and student; each rubric is read once, however many requests stand on it."""
    asked = {(item.row.assignment, item.row.student) for item in requests}
    students = {student for _, student in asked}
    by_rubric: dict[int, datetime | None] = {}
    until: dict[tuple[str, str], datetime | None] = {}
    with store.reading() as session:
        for result in history.results(session, students=students):
            key = (result.assignment, result.student)
            if key not in asked or result.rubric is None:
                continue
            if result.rubric.seq not in by_rubric:
                by_rubric[result.rubric.seq] = policy_of(result).remarks_open_until
            until[key] = by_rubric[result.rubric.seq]
    return until
