"""The queue as people look at it: how much of what waits since when, who is at it, and how fast it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from grader.store.entering import Priority, in_state
from grader.store.leases import database_now, holds
from grader.store.models import AttemptRow, JobRow, LedgerRow, RunRow

__all__ = [
    "JobOn",
    "JobsOf",
    "Running",
    "Worker",
    "attempts_since",
    "failing",
    "is_served",
    "job_on",
    "jobs",
    "jobs_before",
    "running",
    "workers",
]


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


class JobOn(NamedTuple):
    """What becomes of a file.

    Attributes:
        state: ``queued``, ``claimed``, ``done`` or ``superseded``.
        before: Jobs of the course that come before it, where it is queued.
    """

    state: str
    before: int


def job_on(session: Session, student: str, assignment: str, notebook: str) -> JobOn | None:
    """The newest job on a file; None where there is none."""
    query = (
        select(JobRow)
        .filter_by(student=student, assignment=assignment, notebook=notebook)
        .where(JobRow.priority != Priority.TRY_OUT, JobRow.purpose == "")
        .order_by(JobRow.id.desc())
        .limit(1)
    )
    job = session.scalars(query).first()
    if job is None or job.state != "queued":
        return None if job is None else JobOn(job.state, 0)
    return JobOn(job.state, jobs_before(session, job))


def jobs_before(session: Session, job: JobRow) -> int:
    """How many jobs of the course come before one that is queued."""
    earlier = or_(
        JobRow.priority < job.priority, and_(JobRow.priority == job.priority, JobRow.place < job.place)
    )
    before = select(func.count()).where(in_state("queued"), JobRow.course == job.course, earlier)
    return session.scalar(before) or 0


def is_served(session: Session) -> bool:
    """Whether anybody is at work who takes whatever is queued, as seats of a server and other machines do."""
    serving = select(RunRow.id).where(RunRow.serves.is_(True), RunRow.ended_at.is_(None))
    return session.scalar(serving.where(holds(RunRow.lease_until)).limit(1)) is not None


def jobs(session: Session) -> list[JobsOf]:
    """What is queued and claimed, by assignment, purpose and state."""
    of = (JobRow.assignment, JobRow.purpose, JobRow.state)
    query = (
        select(JobRow.assignment, JobRow.state, func.count(), func.min(JobRow.queued_at), JobRow.purpose)
        .where(JobRow.state.in_(("queued", "claimed")))
        .group_by(*of)
        .order_by(*of)
    )
    return [JobsOf._make(row) for row in session.execute(query)]


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


def running(session: Session, most: int) -> list[Running]:
    """So many of the jobs that are claimed, the oldest first."""
    query = select(*_RUNNING).where(JobRow.state == "claimed").order_by(JobRow.id).limit(most)
    return [Running._make(row) for row in session.execute(query)]


def failing(session: Session, most: int) -> list[Running]:
    """So many of the jobs that wait and whose sandbox failed before, those that failed most first."""
    query = (
        select(*_RUNNING)
        .where(JobRow.state == "queued", JobRow.tries > 0)
        .order_by(JobRow.tries.desc(), JobRow.id)
        .limit(most)
    )
    return [Running._make(row) for row in session.execute(query)]


def workers(session: Session) -> list[Worker]:
    """All that did not say that they ended, the newest first."""
    held = (
        select(JobRow.run, func.count().label("number"))
        .where(JobRow.state == "claimed")
        .group_by(JobRow.run)
        .subquery()
    )
    query = (
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
    rows: Sequence[tuple[str, str, int, datetime, int, int]] = session.execute(query).all()
    return [Worker(*row[:4], bool(row[4]), row[5]) for row in rows]


def attempts_since(session: Session, moment: datetime) -> int:
    """How many runs were recorded since then."""
    query = (
        select(func.count())
        .select_from(AttemptRow)
        .join(LedgerRow, LedgerRow.seq == AttemptRow.seq)
        .where(LedgerRow.at >= moment)
    )
    return session.scalar(query) or 0
