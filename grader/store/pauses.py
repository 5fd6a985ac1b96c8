"""The queue paused, drained and resumed: who ordered it is in the history, what holds is asked at each claim.

A pause keeps jobs from being taken and touches none that runs. What is handed in meanwhile is received and
queued as ever. A drain is a pause behind the last place of the moment: what waited already is run, also
where a newer file took its place, and what comes later waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, delete, func, not_, or_, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.entering import in_state
from grader.store.ledger import Signature
from grader.store.models import JobRow, LedgerRow
from grader.store.queue_tables import PauseRow, QueueOrderRow
from grader.store.records import Record
from grader.store.unchanged import of_change

__all__ = [
    "Ordered",
    "Pause",
    "QueueAction",
    "QueueOrder",
    "is_held_back",
    "is_paused",
    "may_be_taken",
    "ordered",
    "paused_jobs",
    "pauses",
    "record_order",
]


class QueueAction(StrEnum):
    """What can be ordered of the queue."""

    PAUSE = "pause"
    DRAIN = "drain"
    RESUME = "resume"
    RERUN = "rerun"


@dataclass(frozen=True, kw_only=True)
class QueueOrder(Record):
    """An order to the queue.

    Attributes:
        assignment: Which one; empty for all.
        student: Whose submission is run again; None for the other actions.
    """

    action: QueueAction
    assignment: str
    student: str | None
    reason: str


@dataclass(frozen=True)
class Ordered:
    """An order with who gave it and when (UTC)."""

    order: QueueOrder
    by: str
    at: datetime


@dataclass(frozen=True)
class Pause:
    """That jobs are not taken.

    Attributes:
        assignment: Which one; empty for all.
        drains: Whether what waited before is run all the same.
        by: Who ordered it; at: when, in UTC.
    """

    assignment: str
    drains: bool
    by: str
    at: datetime
    reason: str


def record_order(session: Session, order: QueueOrder, signature: Signature) -> None:
    """Writes an order, and the pause that it makes or ends."""
    row = ledger.append(session, QueueOrderRow(**order.columns), signature)
    if order.action is QueueAction.RERUN:
        return
    session.execute(delete(PauseRow).where(PauseRow.assignment == order.assignment))
    if order.action is not QueueAction.RESUME:
        last = 0
        if order.action is QueueAction.DRAIN:
            last = session.scalar(select(func.max(JobRow.place))) or 0
        session.add(PauseRow(assignment=order.assignment, up_to=last, ordered=row.seq))
    session.flush()


def pauses(session: Session) -> list[Pause]:
    """Pauses that hold; that of all assignments first."""
    return list(of_change(session, "pauses", lambda: _pauses(session)))


def _pauses(session: Session) -> list[Pause]:
    query = (
        select(PauseRow, QueueOrderRow, LedgerRow)
        .join(QueueOrderRow, QueueOrderRow.seq == PauseRow.ordered)
        .join(LedgerRow, LedgerRow.seq == PauseRow.ordered)
        .order_by(PauseRow.assignment)
    )
    return [
        Pause(
            row.assignment,
            QueueAction(order.action) is QueueAction.DRAIN,
            seal.actor,
            seal.at,
            order.reason,
        )
        for row, order, seal in session.execute(query)
    ]


def ordered(session: Session, most: int) -> list[Ordered]:
    """So many of the newest orders."""
    return list(of_change(session, ("orders", most), lambda: _ordered(session, most)))


def _ordered(session: Session, most: int) -> list[Ordered]:
    query = (
        select(QueueOrderRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == QueueOrderRow.seq)
        .order_by(QueueOrderRow.seq.desc())
        .limit(most)
    )
    return [
        Ordered(
            QueueOrder(
                action=QueueAction(row.action),
                assignment=row.assignment,
                student=row.student,
                reason=row.reason,
            ),
            seal.actor,
            seal.at,
        )
        for row, seal in session.execute(query)
    ]


def is_paused(session: Session) -> ColumnElement[bool] | None:
    """Whether a job is one that is not taken now; None where nothing is paused."""
    rows = session.execute(select(PauseRow.assignment, PauseRow.up_to)).all()
    if not rows:
        return None
    return or_(
        *(
            JobRow.place > up_to
            if not assignment
            else and_(JobRow.assignment == assignment, JobRow.place > up_to)
            for assignment, up_to in rows
        )
    )


def is_held_back(session: Session, job: JobRow) -> bool:
    """Whether this job would not be taken now."""
    paused = is_paused(session)
    return paused is not None and bool(session.scalar(select(paused).where(JobRow.id == job.id)))


def may_be_taken(session: Session) -> list[ColumnElement[bool]] | None:
    """What a claim has to ask besides; None where nothing at all may be taken."""
    everything = select(PauseRow.up_to).where(PauseRow.assignment == "", PauseRow.up_to == 0)
    paused = is_paused(session)
    if paused is None:
        return []
    return None if session.scalar(everything) is not None else [not_(paused)]


def paused_jobs(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs wait and are not taken, by assignment and purpose."""
    return dict(of_change(session, "paused jobs", lambda: _paused_jobs(session)))


def _paused_jobs(session: Session) -> dict[tuple[str, str], int]:
    paused = is_paused(session)
    if paused is None:
        return {}
    of = (JobRow.assignment, JobRow.purpose)
    query = select(*of, func.count()).where(in_state("queued"), paused).group_by(*of)
    return {(assignment, purpose): number for assignment, purpose, number in session.execute(query)}
