"""Marks that people gave: written, and read back as the decisions that a mark stands on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.grading.marks import Decision
from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import AttemptRow, LedgerRow, MarkRow, VerdictRow
from grader.store.records import Record

__all__ = ["MarkRecord", "decisions", "files_read", "give"]


@dataclass(frozen=True, kw_only=True)
class MarkRecord(Record):
    """Points that a person gave for one criterion.

    Attributes:
        points: None takes the TA's earlier marks back, so that what was before them counts again.
        verdict: Number of the verdict that the giver had before them, None where there was none.
        request: Number of the remark request that it answers; None for a TA's own mark.
    """

    student: str
    assignment: str
    criterion: str
    points: float | None
    comment: str
    verdict: int | None
    request: int | None = None


def give(session: Session, mark: MarkRecord, signature: Signature) -> None:
    ledger.append(session, MarkRow(**mark.columns), signature)


def decisions(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], list[Decision]]:
    """All decisions on marks, oldest first, by assignment and student."""
    query = select(MarkRow, LedgerRow).join(LedgerRow, LedgerRow.seq == MarkRow.seq).order_by(MarkRow.seq)
    if assignment is not None:
        query = query.where(MarkRow.assignment == assignment)
    if students:
        query = query.where(MarkRow.student.in_(students))
    found: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for row, seal in session.execute(query):
        decision = Decision(row.seq, row.criterion, row.points, seal.actor, seal.at, row.comment, row.request)
        found[row.assignment, row.student].append(decision)
    return found


def files_read(session: Session, assignments: Collection[str]) -> dict[int, str]:
    """Of each mark, by its number, the digest of the file that its giver had before them."""
    query = (
        select(MarkRow.seq, AttemptRow.notebook)
        .join(VerdictRow, VerdictRow.seq == MarkRow.verdict)
        .join(AttemptRow, AttemptRow.seq == VerdictRow.attempt)
        .where(MarkRow.assignment.in_(assignments))
    )
    return {row.seq: row.notebook for row in session.execute(query)}
