"""The queue as people look at it: how much of what waits since when, and who is at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, bindparam, case, exists, func, or_, select
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.store.entering import in_state
from grader.store.leases import database_now, holds
from grader.store.models import AttemptRow, JobRow, LedgerRow, RunRow
from grader.store.standing_tables import StandingRow
from grader.store.unchanged import of_change

__all__ = [
    "JobsOf",
    "NotRun",
    "Running",
    "Worker",
    "attempts_since",
    "ended_by_us",
    "failing",
    "is_served",
    "jobs",
    "running",
    "workers",
]


#: So many of the newest runs are looked at first to tell how many there were lately.
_LOOKED_AT = 500


class JobsOf(NamedTuple):
    """Jobs of an assignment in one state: how many, and since when (UTC) the oldest is in the queue.

    Attributes:
        purpose: Empty for what attempts come of; see `entering.PRE_CHECK`.
    """

    assignment: str
    state: str
    number: int
    oldest: datetime
    purpose: str


class Running(NamedTuple):
    """A job that is claimed, or that failed before.

    Attributes:
        queued_at: Since when it is in the queue, in UTC.
        tries: Times that the sandbox failed us; error: what it said last.
        run: Who holds it; empty for nobody.
        left_s: Seconds until the claim lapses by the database's clock; below 0 where it has.
        purpose: As of `JobsOf`.
    """

    id: int
    student: str
    assignment: str
    queued_at: datetime
    tries: int
    error: str
    run: str
    left_s: float
    purpose: str


class Worker(NamedTuple):
    """A process that takes jobs, and has not said that it ended.

    Attributes:
        started_at: In UTC.
        alive: It renews its leases.
        holds: Jobs that it has claimed.
    """

    run: str
    host: str
    pid: int
    started_at: datetime
    alive: bool
    holds: int

    @property
    def place(self) -> str:
        """Where it is, for people; workers on other machines have no process here."""
        return f"{self.host}, process {self.pid}" if self.pid else self.host


class NotRun(NamedTuple):
    """A work whose newest attempt ended by our fault; `why` in the words of what failed."""

    student: str
    assignment: str
    why: str


def is_served(session: Session) -> bool:
    """Whether anybody is at work who takes whatever is queued, as seats of a server and other machines do."""
    serving = select(RunRow.id).where(RunRow.serves.is_(True), RunRow.ended_at.is_(None))
    return session.scalar(serving.where(holds(RunRow.lease_until)).limit(1)) is not None


_OF = (JobRow.assignment, JobRow.purpose, JobRow.state)
_JOBS = (
    select(JobRow.assignment, JobRow.state, func.count(), func.min(JobRow.queued_at), JobRow.purpose)
    .where(JobRow.state.in_(("queued", "claimed")))
    .group_by(*_OF)
    .order_by(*_OF)
)


def jobs(session: Session) -> list[JobsOf]:
    """What is queued and claimed, by assignment, purpose and state."""
    return list(of_change(session, "jobs", lambda: [JobsOf._make(row) for row in session.execute(_JOBS)]))


_RUNNING = (
    JobRow.id,
    JobRow.student,
    JobRow.assignment,
    JobRow.queued_at,
    JobRow.tries,
    JobRow.error,
    func.coalesce(JobRow.run, ""),
    func.coalesce(JobRow.lease_until - database_now(), 0.0),
    JobRow.purpose,
)


_CLAIMED = select(*_RUNNING).where(JobRow.state == "claimed").order_by(JobRow.id).limit(bindparam("most"))
_FAILING = (
    select(*_RUNNING)
    .where(JobRow.state == "queued", JobRow.tries > 0)
    .order_by(JobRow.tries.desc(), JobRow.id)
    .limit(bindparam("most"))
)


def running(session: Session, most: int) -> list[Running]:
    """So many of the jobs that are claimed, the oldest first."""
    return [Running._make(row) for row in session.execute(_CLAIMED, {"most": most})]


def failing(session: Session, most: int) -> list[Running]:
    """So many of the jobs that wait and whose sandbox failed before, those that failed most first."""
    return [Running._make(row) for row in session.execute(_FAILING, {"most": most})]


def _ended_by_us() -> Select[str, str, str]:
    again = exists().where(
        JobRow.student == StandingRow.student,
        JobRow.assignment == StandingRow.assignment,
        JobRow.purpose == "",
        or_(in_state("queued"), in_state("claimed")),
    )
    return (
        select(StandingRow.student, StandingRow.assignment, AttemptRow.detail)
        .join(AttemptRow, AttemptRow.seq == StandingRow.attempt)
        .where(
            StandingRow.outcome == Outcome.SANDBOX_UNAVAILABLE.value, StandingRow.state != "dropped", ~again
        )
        .order_by(StandingRow.assignment, StandingRow.student)
        .limit(bindparam("most"))
    )


_ENDED_BY_US = _ended_by_us()


def ended_by_us(session: Session, most: int) -> list[NotRun]:
    """So many works whose newest attempt ended by our fault and that are not in the queue again."""

    def ask() -> list[NotRun]:
        return [NotRun._make(row) for row in session.execute(_ENDED_BY_US, {"most": most})]

    return list(of_change(session, ("ended by us", most), ask))


def _workers() -> Select[str, str, int, datetime, int, int]:
    held = (
        select(JobRow.run, func.count().label("number"))
        .where(JobRow.state == "claimed")
        .group_by(JobRow.run)
        .subquery()
    )
    return (
        select(
            RunRow.id,
            RunRow.host,
            RunRow.pid,
            RunRow.started_at,
            case((holds(RunRow.lease_until), 1), else_=0),
            func.coalesce(held.c.number, 0),
        )
        .outerjoin(held, held.c.run == RunRow.id)
        .where(RunRow.ended_at.is_(None))
        .order_by(RunRow.started_at.desc())
    )


_WORKERS = _workers()


def workers(session: Session) -> list[Worker]:
    """All that did not say that they ended, the newest first."""
    rows: Sequence[tuple[str, str, int, datetime, int, int]] = session.execute(_WORKERS).all()
    return [Worker(*row[:4], bool(row[4]), row[5]) for row in rows]


def attempts_since(session: Session, moment: datetime) -> int:
    """How many runs were recorded since then."""
    number = _LOOKED_AT
    while True:
        recorded = _last_recorded(session, number)
        since = sum(at >= moment for at in recorded)
        # The newest alone are looked at, as many as it takes to find an older one among them.
        if since < number or len(recorded) < number:
            return since
        number *= 8


def _last_recorded(session: Session, number: int) -> Sequence[datetime]:
    """When so many of the newest runs were recorded."""
    return of_change(
        session, ("recorded", number), lambda: session.scalars(_RECORDED, {"most": number}).all()
    )


_RECORDED = (
    select(LedgerRow.at)
    .join(AttemptRow, AttemptRow.seq == LedgerRow.seq)
    .order_by(AttemptRow.seq.desc())
    .limit(bindparam("most"))
)
