"""Files of students of whom there is nothing else yet: all that wait are written together by few statements.

Of a class's rush most are such files. What there could be to compare them with (an earlier file, a job, a
drop, an excuse, a group) is asked for all of them at once, and whoever has any of it is left to others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, bindparam, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from grader.store import ledger
from grader.store.entering import Ask, enter_first
from grader.store.group_tables import GroupRow
from grader.store.hand_ins import HandInRecord, Received
from grader.store.ledger import HandedIn, Signature
from grader.store.models import DropRow, HandInRow, JobRow, SubmissionRow
from grader.store.records import SubmissionRecord
from grader.store.setup_tables import ExcuseRow
from grader.store.standing_tables import StandingRow

__all__ = ["FirstFile", "receive_first"]


@dataclass(frozen=True)
class FirstFile:
    """A file that may be the first of its student for its assignment.

    Attributes:
        came: What counts of it.
        record: That it came.
        ask: The work on it; None for photos.
    """

    came: SubmissionRecord
    record: HandInRecord
    ask: Ask | None
    signature: Signature


def receive_first(session: Session, files: Sequence[FirstFile], at: datetime) -> list[Received | None]:
    """Writes those that are the first, with their jobs.

    Args:
        session: A writing transaction.
        files: In the order in which they came.
        at: Since when their jobs wait.

    Returns:
        What is written of each; None for others, of which nothing is.
    """
    first = _first_of(session, files)
    chosen = [files[place] for place in first]
    if not chosen:
        return [None] * len(files)
    rows = [
        (row, each.signature)
        for each in chosen
        for row in (SubmissionRow(**each.came.columns), HandInRow(**each.record.columns))
    ]
    noted = [HandedIn(each.came.assignment, each.came.student, first=True) for each in chosen]
    seals = ledger.append_all(session, rows, noted)[1::2]
    enter_first(session, [each.ask for each in chosen if each.ask is not None], at)
    received = {
        place: Received(each.record, head.seq, head.digest, each.signature.at, each.signature.actor)
        for place, each, head in zip(first, chosen, seals, strict=True)
    }
    return [received.get(place) for place in range(len(files))]


def _first_of(session: Session, files: Sequence[FirstFile]) -> list[int]:
    """The places of those of whose student nothing is known, of each student the first one."""
    by_assignment: dict[str, dict[str, int]] = {}
    for place, each in enumerate(files):
        by_assignment.setdefault(each.came.assignment, {}).setdefault(each.came.student, place)
    return sorted(
        students[student]
        for assignment, students in by_assignment.items()
        for student in set(students) - _known(session, assignment, students)
    )


def _known(session: Session, assignment: str, students: Collection[str]) -> set[str]:
    """Those of whom there is anything; all of them where some hand in together."""
    asked = {"assignment": assignment, "students": list(students)}
    connection = session.connection()
    if connection.execute(_GROUPS, asked).first() is not None:
        return set(students)
    found = set(connection.execute(_IN_THE_HISTORY, asked).scalars())
    return found | set(connection.execute(_BESIDE_IT, asked).scalars())


def _of_students(*columns: ReadOnlyColumnCollection[str, Any]) -> CompoundSelect[str]:
    """Which of these students stand in tables that call them alike."""
    assignment: BindParameter[str] = bindparam("assignment")
    students: BindParameter[list[str]] = bindparam("students", expanding=True)
    return union_all(
        *(
            select(table.student).where(table.assignment == assignment, table.student.in_(students))
            for table in columns
        )
    )


# Made once: to put them together takes longer than to ask them. The history calls students by tokens, jobs
# and the standing by their names, and one statement binds them in one way.
_IN_THE_HISTORY = _of_students(
    *(model.__table__.c for model in (SubmissionRow, HandInRow, DropRow, ExcuseRow))
)
_BESIDE_IT = _of_students(StandingRow.__table__.c, JobRow.__table__.c)
_GROUPS = select(GroupRow.seq).where(GroupRow.assignment == bindparam("assignment")).limit(1)
