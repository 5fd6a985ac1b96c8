"""Who is judging a class again: its verdicts are written in pieces, and nobody is to release half of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, case, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from grader.store.changes import newest_row
from grader.store.engine import Database
from grader.store.leases import LONGEST_LEASE_S, database_now, lapsed
from grader.store.models import AttemptRow, LedgerRow, VerdictRow
from grader.store.upkeep_tables import RegradeRow

__all__ = ["Cut", "Regrades", "UnderWay", "cut_by", "under_way"]


@dataclass(frozen=True)
class UnderWay:
    """That an assignment is judged again, or was when it broke off.

    Attributes:
        by, began: Who, since when (UTC).
        after: Number of the newest row when it began.
        done, works: How far it is.
        broken_off: Nobody is at it any more: some of the class stand on the new verdicts, and some do not.
    """

    assignment: str
    by: str
    began: datetime
    after: int
    done: int
    works: int
    broken_off: bool


@dataclass(frozen=True)
class Cut:
    """Verdicts that somebody gave in one go, of which a row of the history has only some before it.

    Attributes:
        first, last: Numbers of their first and last row.
    """

    by: str
    at: datetime
    why: str
    first: int
    last: int


class Regrades:
    """Says that somebody is at it. Safe to share between threads and processes.

    Args:
        database: The course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, assignment: str, works: int, actor: str) -> int:
        """Says so before the first verdict is written; gives the number to go on by."""
        with self._database.queueing() as session:
            row = RegradeRow(
                assignment=assignment,
                actor=actor,
                began=self._clock(),
                after=newest_row(session),
                done=0,
                works=works,
                lease_until=0.0,
            )
            session.add(row)
            session.flush()
            session.execute(_own(row.id).values(lease_until=_lease()))
            return row.id

    def beat(self, id: int, done: int) -> None:
        """Says how far it is."""
        with self._database.queueing() as session:
            session.execute(_own(id).values(done=done, lease_until=_lease()))

    def end(self, id: int, *, whole: bool) -> None:
        """Says that it is over.

        Args:
            id: As `begin` gave it.
            whole: Whether all verdicts are written, or none is. Then it is forgotten, with what broke off
                before and was about no more works.
        """
        with self._database.queueing() as session:
            row = session.get(RegradeRow, id)
            if row is None:
                return
            if not whole:
                session.execute(_own(id).values(lease_until=0.0))
                return
            session.execute(delete(RegradeRow).where(RegradeRow.id == id))
            before = (RegradeRow.assignment == row.assignment, RegradeRow.works <= row.works)
            session.execute(delete(RegradeRow).where(*before, lapsed(RegradeRow.lease_until)))


def under_way(session: Session, assignment: str) -> list[UnderWay]:
    """Who is judging an assignment again, and whose judging broke off; the oldest first."""
    broken_off = case((lapsed(RegradeRow.lease_until), 1), else_=0)
    query = select(RegradeRow, broken_off).where(RegradeRow.assignment == assignment).order_by(RegradeRow.id)
    return [
        UnderWay(row.assignment, row.actor, row.began, row.after, row.done, row.works, bool(over))
        for row, over in session.execute(query)
    ]


def cut_by(session: Session, assignment: str, upto: int) -> Cut | None:
    """Verdicts on an assignment that one hand gave at one moment, some of them before a row and some after.

    Whoever judges a class again signs all of it with the moment at which they began.
    """
    earlier, before, of_before = aliased(LedgerRow), aliased(VerdictRow), aliased(AttemptRow)
    same = (earlier.at == LedgerRow.at, earlier.actor == LedgerRow.actor, earlier.why == LedgerRow.why)
    query = (
        select(LedgerRow, func.min(before.seq), func.max(VerdictRow.seq))
        .join(VerdictRow, VerdictRow.seq == LedgerRow.seq)
        .join(AttemptRow, AttemptRow.seq == VerdictRow.attempt)
        .join(earlier, (earlier.kind == VerdictRow.__tablename__) & same[0] & same[1] & same[2])
        .join(before, before.seq == earlier.seq)
        .join(of_before, of_before.seq == before.attempt)
        .where(VerdictRow.seq > upto, before.seq <= upto)
        .where(AttemptRow.assignment == assignment, of_before.assignment == assignment)
        .group_by(LedgerRow.seq)
        .order_by(LedgerRow.seq.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    seal, first, last = found
    return Cut(seal.actor, seal.at, seal.why, first, last)


def _own(id: int) -> Update:
    return update(RegradeRow).where(RegradeRow.id == id)


def _lease() -> ColumnElement[float]:
    return database_now() + LONGEST_LEASE_S
