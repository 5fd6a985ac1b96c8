"""Shares of a class: which students of an assignment are whose to grade."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import LedgerRow
from grader.store.moments import of_moment
from grader.store.records import Record
from grader.store.setup_tables import ShareRow
from grader.store.unchanged import of_change

__all__ = ["Share", "ShareRecord", "newest_share", "record_share", "share_of_each_work", "shares_of"]


@dataclass(frozen=True, kw_only=True)
class ShareRecord(Record):
    """All students that are one grader's from now on; none where their share ends."""

    assignment: str
    grader: str
    students: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class Share:
    """A share that holds, with who made it so, when (UTC) and how."""

    grader: str
    students: frozenset[str]
    how: str
    by: str
    at: datetime

    @property
    def is_taken(self) -> bool:
        """Whether the grader took it, rather than being given it."""
        return self.by == self.grader


def record_share(session: Session, share: ShareRecord, signature: Signature) -> None:
    ledger.append(session, ShareRow(**share.columns), signature)


def shares_of(session: Session, assignment: str) -> dict[str, Share]:
    """Shares of an assignment that hold, by grader in the order of their names."""
    return of_moment(session, ("shares", assignment), lambda: _shares_of(session, assignment))


def _shares_of(session: Session, assignment: str) -> dict[str, Share]:
    newest = select(func.max(ShareRow.seq)).filter_by(assignment=assignment).group_by(ShareRow.grader)
    query = (
        select(ShareRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == ShareRow.seq)
        .where(ShareRow.seq.in_(newest))
        .order_by(ShareRow.grader)
    )
    return {
        row.grader: Share(row.grader, frozenset(row.students), row.how, seal.actor, seal.at)
        for row, seal in session.execute(query)
        if row.students
    }


# Made once: each page of a class asks it, and to put it together takes longer than to ask.
_SHARES_OF = select(ShareRow.assignment, ShareRow.students).where(
    ShareRow.seq.in_(
        select(func.max(ShareRow.seq))
        .where(ShareRow.grader == bindparam("grader"))
        .group_by(ShareRow.assignment)
    )
)


def share_of_each_work(session: Session, grader: str) -> dict[str, frozenset[str]]:
    """Whose works are a grader's, by assignment."""

    def ask() -> dict[str, frozenset[str]]:
        rows = session.connection().execute(_SHARES_OF, {"grader": grader})
        return {row.assignment: frozenset(row.students) for row in rows if row.students}

    return of_moment(session, ("shares of", grader), ask)


_NEWEST = select(func.max(ShareRow.seq)).where(ShareRow.grader == bindparam("grader"))


def newest_share(session: Session, grader: str) -> int:
    """The number of the newest row about a grader's shares; 0 for none."""
    return of_change(
        session, ("newest share", grader), lambda: session.scalar(_NEWEST, {"grader": grader}) or 0
    )
