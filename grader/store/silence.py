"""Tables that say nothing of a work, asked at once: of most works few say anything."""

from __future__ import annotations

from collections.abc import Collection, Set

from sqlalchemy import BindParameter, bindparam, exists, select
from sqlalchemy.orm import Session

from grader.store.models import (
    Base,
    BulkMarkRow,
    DropRow,
    FlagRow,
    HandInRow,
    MarkRow,
    RemarkRow,
    SubmissionRow,
)
from grader.store.queue_tables import QueueOrderRow
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow
from grader.store.unchanged import of_change

__all__ = ["is_silent", "silent_about"]

_OF_STUDENTS = (
    SubmissionRow, HandInRow, ExcuseRow, DropRow, MarkRow, ExtensionRow, RemarkRow, FlagRow, QueueOrderRow,
)  # fmt: skip
#: Of decisions about several only whether there are any: who they are about is inside of them.
_OF_ALL = (BulkMarkRow, DatesRow)
_MAY_SAY: tuple[type[Base], ...] = (*_OF_STUDENTS, *_OF_ALL)
_STUDENTS: BindParameter[list[str]] = bindparam("students", expanding=True)
_WORK: BindParameter[str] = bindparam("assignment")
_ABOUT_ALL = [exists().where(table.assignment == _WORK) for table in _OF_ALL]
# Made once: to put a statement together takes longer than to ask it, and so it does to expand a list for each
# table, where mostly one student is asked for.
_OF_SOME = select(
    *(exists().where(table.assignment == _WORK, table.student.in_(_STUDENTS)) for table in _OF_STUDENTS),
    *_ABOUT_ALL,
)
_OF_ONE = select(
    *(
        exists().where(table.assignment == _WORK, table.student == bindparam("student"))
        for table in _OF_STUDENTS
    ),
    *_ABOUT_ALL,
)


def silent_about(session: Session, assignment: str, students: Collection[str]) -> Set[type[Base]]:
    """Which of these tables say nothing of the works of these students."""
    one = next(iter(students)) if len(students) == 1 else None
    query, whose = (_OF_SOME, {"students": list(students)}) if one is None else (_OF_ONE, {"student": one})

    def ask() -> Set[type[Base]]:
        said = session.connection().execute(query, {"assignment": assignment, **whose}).one()
        return {table for table, says in zip(_MAY_SAY, said, strict=True) if not says}

    return of_change(session, ("silent", assignment, tuple(students)), ask)


def is_silent(session: Session, table: type[Base], assignment: str, student: str) -> bool:
    """Whether one of these tables says nothing of a student's work."""
    return table in silent_about(session, assignment, [student])
