"""The queue in the database: jobs are claimed by a run, and taken over when that run is dead."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.store.liveness import RunLock, is_alive
from grader.store.models import AttemptRow, JobRow, RunRow
from grader.store.store import Store

__all__ = ["JobKey", "Progress", "Queue"]


@dataclass(frozen=True)
class JobKey:
    """What makes a piece of work the same work.

    Attributes:
        notebook: SHA-256 of the file.
        plan: Digest of the plan.
        image: What it runs in; empty where nothing is run.
    """

    student: str
    assignment: str
    notebook: str
    plan: str
    image: str


@dataclass(frozen=True)
class Progress:
    """How far a set of jobs is."""

    queued: int
    claimed_here: int
    claimed_elsewhere: int

    @property
    def open(self) -> int:
        return self.queued + self.claimed_here + self.claimed_elsewhere


class Queue:
    """The queue as one run of the grader sees it; use as a context manager."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.run = uuid.uuid4().hex
        self._locks = store.blobs.root / "runs"

    def __enter__(self) -> Queue:
        self._lock = RunLock(self._locks, self.run)
        try:
            self._register()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _register(self) -> None:
        now, host = self.store.clock(), socket.gethostname()
        with self.store.writing() as session:
            session.add(RunRow(id=self.run, host=host, pid=os.getpid(), started_at=now, heartbeat_at=now))

    def __exit__(self, *_: object) -> None:
        try:
            self._sign_off()
        finally:
            self._lock.release()

    def _sign_off(self) -> None:
        with self.store.writing() as session:
            claims = update(JobRow).where(JobRow.run == self.run, _claimed())
            session.execute(claims.values(state="queued", run=None))
            session.execute(update(RunRow).where(RunRow.id == self.run).values(ended_at=self.store.clock()))

    def beat(self) -> None:
        """Says that this run is alive, for runs on other machines."""
        with self.store.writing() as session:
            session.execute(
                update(RunRow).where(RunRow.id == self.run).values(heartbeat_at=self.store.clock())
            )

    def enqueue(self, session: Session, keys: Sequence[JobKey], *, fresh: bool) -> list[int | None]:
        """Puts work into the queue that is neither done nor there already.

        Args:
            session: Of a writing transaction.
            keys: The work.
            fresh: Whether work counts as open though an attempt is there.

        Returns:
            The job of each key; None where an attempt of an earlier run stands.
        """
        return [self._enqueue(session, key, fresh) for key in keys]

    def _enqueue(self, session: Session, key: JobKey, fresh: bool) -> int | None:
        match = asdict(key)
        waiting = session.scalar(select(JobRow.id).filter_by(**match).where(JobRow.state != "done"))
        if waiting is not None:
            return waiting
        done = select(JobRow.id).filter_by(**match)
        # A key with an image is of a file that can be read now, whatever an earlier version made of it.
        stale = (_OUR_FAULT, _UNREAD) if key.image else (_OUR_FAULT,)
        stands = (
            select(AttemptRow.seq).where(AttemptRow.job.in_(done), AttemptRow.outcome.not_in(stale)).limit(1)
        )
        if not fresh and session.scalar(stands) is not None:
            return None
        job = JobRow(**match, state="queued", run=None, tries=0, error="", queued_at=self.store.clock())
        session.add(job)
        session.flush()
        return job.id

    def claim(self, jobs: Collection[int]) -> JobRow | None:
        """Takes the next of `jobs` that nobody alive is working on."""
        with self.store.writing() as session:
            self._free_dead_claims(session)
            job = session.scalars(
                select(JobRow)
                .where(JobRow.id.in_(jobs), JobRow.state == "queued")
                .order_by(JobRow.id)
                .limit(1)
            ).first()
            if job is not None:
                job.state, job.run = "claimed", self.run
            return job

    def _free_dead_claims(self, session: Session) -> None:
        holders = select(RunRow).where(
            RunRow.id.in_(select(JobRow.run).where(_claimed())), RunRow.id != self.run
        )
        now = self.store.clock()
        dead = [run.id for run in session.scalars(holders) if not is_alive(run, self._locks, now)]
        if dead:
            session.execute(
                update(JobRow).where(JobRow.run.in_(dead), _claimed()).values(state="queued", run=None)
            )

    def finish(self, session: Session, job: int) -> bool:
        """Ends a job in the transaction that stores its attempt.

        Returns:
            False where another run took the job over meanwhile: this one's result must be dropped.
        """
        ended = session.execute(
            update(JobRow).where(_held(job, self.run)).values(state="done", run=None).returning(JobRow.id)
        )
        return ended.first() is not None

    def give_back(self, job: int) -> None:
        """Puts a claimed job back, as if it had never been claimed."""
        with self.store.writing() as session:
            session.execute(update(JobRow).where(_held(job, self.run)).values(state="queued", run=None))

    def retry(self, job: int, error: str) -> int:
        """Notes that the sandbox failed this job, and keeps the claim.

        Returns:
            How often it has failed by now.
        """
        with self.store.writing() as session:
            tries = session.scalar(
                update(JobRow)
                .where(_held(job, self.run))
                .values(tries=JobRow.tries + 1, error=error)
                .returning(JobRow.tries)
            )
            return tries or 0

    def progress(self, jobs: Collection[int]) -> Progress:
        with self.store.reading() as session:
            rows = session.execute(
                select(JobRow.state, JobRow.run).where(JobRow.id.in_(jobs), JobRow.state != "done")
            ).all()
        claimed = [run for state, run in rows if state == "claimed"]
        here = sum(run == self.run for run in claimed)
        return Progress(len(rows) - len(claimed), here, len(claimed) - here)


_OUR_FAULT = Outcome.SANDBOX_UNAVAILABLE.value
_UNREAD = Outcome.INVALID_SUBMISSION.value


def _claimed() -> ColumnElement[bool]:
    return JobRow.state == "claimed"


def _held(job: int, run: str) -> ColumnElement[bool]:
    return and_(JobRow.id == job, JobRow.run == run, _claimed())
