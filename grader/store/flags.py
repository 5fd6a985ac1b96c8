"""What TAs ask the head TA to look at: raised, settled, and read as it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import FlagRow, LedgerRow
from grader.store.moments import of_moment
from grader.store.records import Record

__all__ = ["Flag", "FlagRecord", "record_flag", "standing_flags"]


@dataclass(frozen=True, kw_only=True)
class FlagRecord(Record):
    """That one criterion of a submission is for the head TA; where not `raised`, no longer."""

    student: str
    assignment: str
    criterion: str
    note: str
    raised: bool


@dataclass(frozen=True)
class Flag:
    """A flag that stands: who raised it, when (UTC), and what they ask."""

    student: str
    assignment: str
    criterion: str
    note: str
    by: str
    at: datetime


def record_flag(session: Session, flag: FlagRecord, signature: Signature) -> None:
    ledger.append(session, FlagRow(**flag.columns), signature)


_FLAGS = (
    select(
        *(FlagRow.__table__.c[name] for name in ("student", "assignment", "criterion", "note", "raised")),
        *(LedgerRow.__table__.c[name] for name in ("actor", "at")),
    )
    .join(LedgerRow.__table__, LedgerRow.__table__.c.seq == FlagRow.__table__.c.seq)
    .order_by(FlagRow.__table__.c.seq)
)
# Made once: each look at a work or a class asks one, and to put it together takes longer than to ask.
_FLAGS_OF = _FLAGS.where(
    FlagRow.seq.in_(
        select(func.max(FlagRow.seq))
        .where(FlagRow.assignment == bindparam("assignment"), FlagRow.student == bindparam("student"))
        .group_by(FlagRow.criterion)
    )
)

_FLAGS_ON = _FLAGS.where(
    FlagRow.seq.in_(
        select(func.max(FlagRow.seq))
        .where(FlagRow.assignment == bindparam("assignment"))
        .group_by(FlagRow.student, FlagRow.criterion)
    )
)


_FLAGS_AMONG = _FLAGS.where(
    FlagRow.seq.in_(
        select(func.max(FlagRow.seq))
        .where(
            FlagRow.assignment == bindparam("assignment"),
            FlagRow.student.in_(bindparam("students", expanding=True)),
        )
        .group_by(FlagRow.student, FlagRow.criterion)
    )
)


def standing_flags(
    session: Session,
    *,
    assignment: str | None = None,
    student: str | None = None,
    students: Collection[str] | None = None,
) -> list[Flag]:
    """Flags that nobody has settled, in the order in which they were raised."""
    if assignment is not None and student is not None and students is None:
        return _flags(session, _FLAGS_OF, {"assignment": assignment, "student": student})
    if assignment is not None and student is None and students is None:
        every = ("flags", assignment)
        return of_moment(session, every, lambda: _flags(session, _FLAGS_ON, {"assignment": assignment}))
    if assignment is not None and student is None and students is not None:
        return _flags(session, _FLAGS_AMONG, {"assignment": assignment, "students": list(students)})
    key = (FlagRow.assignment, FlagRow.student, FlagRow.criterion)
    newest = select(func.max(FlagRow.seq)).group_by(*key)
    if assignment is not None:
        newest = newest.where(FlagRow.assignment == assignment)
    if student is not None:
        newest = newest.where(FlagRow.student == student)
    if students is not None:
        newest = newest.where(FlagRow.student.in_(students))
    return _flags(session, _FLAGS.where(FlagRow.seq.in_(newest)), {})


def _flags(session: Session, query: Select[*tuple[Any, ...]], asked: Mapping[str, object]) -> list[Flag]:
    return [
        Flag(student, assignment, criterion, note, by, at)
        for student, assignment, criterion, note, raised, by, at in session.connection().execute(query, asked)
        if raised
    ]
