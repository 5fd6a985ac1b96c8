"""Submissions that a person took out of what counts, and brought back: written, and read as they stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.allowances import standing_excuses
from grader.store.enrolling import book_in
from grader.store.ledger import Signature
from grader.store.models import DropRow, LedgerRow
from grader.store.records import Record

__all__ = ["Drop", "DropRecord", "record_drop", "standing_drops"]


@dataclass(frozen=True, kw_only=True)
class DropRecord(Record):
    """That a student's work on an assignment counts nowhere; where not `dropped`, again."""

    student: str
    assignment: str
    reason: str
    dropped: bool


@dataclass(frozen=True)
class Drop:
    """Who took a submission out of what counts, when (UTC) and why; for good where the person was erased.

    Attributes:
        excused: The student owes no work, rather than that the file should not be there.
    """

    by: str
    at: datetime
    reason: str
    erased: bool = False
    excused: bool = False


def record_drop(session: Session, drop: DropRecord, signature: Signature) -> None:
    ledger.append(session, DropRow(**drop.columns), signature)


def standing_drops(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], Drop]:
    """What counts nowhere now, by assignment and student: what was dropped, and whoever is excused."""
    query = (
        select(DropRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == DropRow.seq)
        .where(DropRow.seq.in_(_newest(assignment, students)))
    )
    book = book_in(session)
    excuses = standing_excuses(session, assignment=assignment, students=students)
    found = {key: Drop(each.by, each.at, each.reason, excused=True) for key, each in excuses.items()}
    return found | {
        (row.assignment, row.student): Drop(seal.actor, seal.at, row.reason, book.is_erased(row.student))
        for row, seal in session.execute(query)
        if row.dropped
    }


def _newest(assignment: str | None, students: Collection[str]) -> Select[int]:
    query = select(func.max(DropRow.seq)).group_by(DropRow.assignment, DropRow.student)
    if assignment is not None:
        query = query.where(DropRow.assignment == assignment)
    return query.where(DropRow.student.in_(students)) if students else query
