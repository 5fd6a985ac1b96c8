"""What students are shown: marks up to a row of the history, and answers to remark requests one by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import LedgerRow, ReleaseRow
from grader.store.records import Record
from grader.store.unchanged import of_change

__all__ = [
    "Release",
    "ReleaseRecord",
    "ShownAnswer",
    "answers_shown",
    "newest_releases",
    "record_release",
    "releases",
]


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord(Record):
    """That something is shown to students, or no longer.

    Attributes:
        upto: Number of the newest row that counts for what is shown; None takes the release back.
        request: The remark request whose answer is shown; None for the marks of the whole assignment.
        reason: Why, in free text; may be empty.
    """

    assignment: str
    upto: int | None
    request: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Release:
    """One release of an assignment's marks, or where `upto` is None that they were taken back.

    Attributes:
        seq: Its own number.
        by: Who, at (UTC).
    """

    seq: int
    assignment: str
    upto: int | None
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class ShownAnswer:
    """That a request's answer is shown: its rows up to a number, since when (UTC)."""

    seq: int
    request: int
    upto: int
    at: datetime


def record_release(session: Session, release: ReleaseRecord, signature: Signature) -> int:
    """Writes it.

    Returns:
        Its number.
    """
    return ledger.append(session, ReleaseRow(**release.columns), signature).seq


def releases(session: Session, assignment: str) -> list[Release]:
    """All releases of an assignment's marks and what took them back, oldest first."""
    return list(of_change(session, ("releases", assignment), lambda: _releases(session, assignment)))


def _releases(session: Session, assignment: str) -> tuple[Release, ...]:
    query = (
        select(ReleaseRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == ReleaseRow.seq)
        .where(ReleaseRow.assignment == assignment, ReleaseRow.request.is_(None))
        .order_by(ReleaseRow.seq)
    )
    return tuple(_release(row, seal) for row, seal in session.execute(query))


def newest_releases(session: Session) -> dict[str, Release]:
    """Of each assignment the newest release, or what took it back."""
    newest = select(func.max(ReleaseRow.seq)).where(ReleaseRow.request.is_(None))
    query = (
        select(ReleaseRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == ReleaseRow.seq)
        .where(ReleaseRow.seq.in_(newest.group_by(ReleaseRow.assignment)))
    )
    return {row.assignment: _release(row, seal) for row, seal in session.execute(query)}


def _release(row: ReleaseRow, seal: LedgerRow) -> Release:
    return Release(row.seq, row.assignment, row.upto, row.reason, seal.actor, seal.at)


def answers_shown(session: Session, requests: Collection[int]) -> list[ShownAnswer]:
    """Which answers to these requests are shown one by one, oldest first."""
    query = (
        select(ReleaseRow, LedgerRow.at)
        .join(LedgerRow, LedgerRow.seq == ReleaseRow.seq)
        .where(ReleaseRow.request.in_(requests))
        .order_by(ReleaseRow.seq)
    )
    return [
        ShownAnswer(row.seq, row.request, row.upto, at)
        for row, at in session.execute(query)
        if row.request is not None and row.upto is not None
    ]
