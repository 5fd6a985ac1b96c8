"""Submissions that a person took out of what counts, and brought back: written, and read as they stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
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
    """Who took a submission out of what counts, when (UTC) and why."""

    by: str
    at: datetime
    reason: str


def record_drop(session: Session, drop: DropRecord, signature: Signature) -> None:
    ledger.append(session, DropRow(**drop.columns), signature)


def standing_drops(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], Drop]:
    """What is dropped now, by assignment and student."""
    query = (
        select(DropRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == DropRow.seq)
        .where(DropRow.seq.in_(_newest()))
    )
    if assignment is not None:
        query = query.where(DropRow.assignment == assignment)
    if students:
        query = query.where(DropRow.student.in_(students))
    return {
        (row.assignment, row.student): Drop(seal.actor, seal.at, row.reason)
        for row, seal in session.execute(query)
        if row.dropped
    }


def _newest() -> Select[int]:
    return select(func.max(DropRow.seq)).group_by(DropRow.assignment, DropRow.student)
