"""The queue in the database: jobs are claimed by a run, and taken over when that run is dead.

Who is still at work tells a locked file for each process on this machine, a heartbeat for the others.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.store.history import WritableHistory
from grader.store.models import AttemptRow, JobRow, RunRow
from grader.store.store import Store

__all__ = ["HEARTBEAT_S", "Claim", "JobKey", "Progress", "Queue", "RunLock", "is_alive"]

HEARTBEAT_S = 10.0
_STALE = timedelta(seconds=6 * HEARTBEAT_S)
_OUR_FAULT = Outcome.SANDBOX_UNAVAILABLE.value
_UNREAD = Outcome.INVALID_SUBMISSION.value


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


def _sandbox_of(image: str) -> str:
    """The kind of sandbox: images are named by their digest (``sha256:...``), others by their kind."""
    return image.partition(":")[0]


@dataclass(frozen=True)
class Claim:
    """A job that a run has taken.

    Attributes:
        tries: Times that the sandbox failed us.
    """

    id: int
    key: JobKey
    tries: int


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
        with self.store.database.writing() as session:
            session.add(RunRow(id=self.run, host=host, pid=os.getpid(), started_at=now, heartbeat_at=now))

    def __exit__(self, *_: object) -> None:
        try:
            self._sign_off()
        finally:
            self._lock.release()

    def _sign_off(self) -> None:
        with self.store.database.writing() as session:
            claims = update(JobRow).where(JobRow.run == self.run, _claimed())
            session.execute(claims.values(state="queued", run=None))
            session.execute(update(RunRow).where(RunRow.id == self.run).values(ended_at=self.store.clock()))

    def beat(self) -> None:
        """Says that this run is alive, for runs on other machines."""
        with self.store.database.writing() as session:
            session.execute(
                update(RunRow).where(RunRow.id == self.run).values(heartbeat_at=self.store.clock())
            )

    def enqueue(self, history: WritableHistory, keys: Sequence[JobKey], *, fresh: bool) -> list[int | None]:
        """Puts work into the queue that is neither done nor there already.

        Args:
            history: That says what is done already.
            keys: The work.
            fresh: Whether work counts as open though an attempt is there.

        Returns:
            The job of each key; None where an attempt of an earlier run stands.
        """
        return [self._enqueue(history.session, key, fresh) for key in keys]

    def _enqueue(self, session: Session, key: JobKey, fresh: bool) -> int | None:
        match = asdict(key)
        waiting = session.scalar(select(JobRow.id).filter_by(**match).where(JobRow.state != "done"))
        if waiting is not None:
            return waiting
        if not fresh and self._stands(session, key):
            return None
        job = JobRow(**match, state="queued", run=None, tries=0, error="", queued_at=self.store.clock())
        session.add(job)
        session.flush()
        return job.id

    def _stands(self, session: Session, key: JobKey) -> bool:
        """Whether it is done: in this image, or by another sandbox, whose change alone repeats nothing."""
        same = [getattr(JobRow, name) == value for name, value in asdict(key).items() if name != "image"]
        # A key with an image is of a file that can be read now, whatever an earlier version made of it.
        stale = (_OUR_FAULT, _UNREAD) if key.image else (_OUR_FAULT,)
        images = list(
            session.scalars(
                select(JobRow.image)
                .join(AttemptRow, AttemptRow.job == JobRow.id)
                .where(*same, AttemptRow.outcome.not_in(stale))
                .order_by(AttemptRow.seq.desc())
            )
        )
        newest_elsewhere = bool(images) and _sandbox_of(images[0]) != _sandbox_of(key.image)
        return key.image in images or (newest_elsewhere and bool(key.image and images[0]))

    def claim(self, jobs: Collection[int]) -> Claim | None:
        """Takes the next of `jobs` that nobody alive is working on."""
        with self.store.database.writing() as session:
            self._free_dead_claims(session)
            job = session.scalars(
                select(JobRow)
                .where(JobRow.id.in_(jobs), JobRow.state == "queued")
                .order_by(JobRow.id)
                .limit(1)
            ).first()
            if job is None:
                return None
            job.state, job.run = "claimed", self.run
            key = JobKey(job.student, job.assignment, job.notebook, job.plan, job.image)
            return Claim(job.id, key, job.tries)

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

    def finish(self, history: WritableHistory, job: int) -> bool:
        """Ends a job in the transaction that stores its attempt.

        Returns:
            False where another run took the job over meanwhile: this one's result must be dropped.
        """
        ended = history.session.execute(
            update(JobRow).where(_held(job, self.run)).values(state="done", run=None).returning(JobRow.id)
        )
        return ended.first() is not None

    def give_back(self, job: int) -> None:
        """Puts a claimed job back, as if it had never been claimed."""
        with self.store.database.writing() as session:
            session.execute(update(JobRow).where(_held(job, self.run)).values(state="queued", run=None))

    def retry(self, job: int, error: str) -> int:
        """Notes that the sandbox failed this job, and keeps the claim.

        Returns:
            How often it has failed by now.
        """
        with self.store.database.writing() as session:
            tries = session.scalar(
                update(JobRow)
                .where(_held(job, self.run))
                .values(tries=JobRow.tries + 1, error=error)
                .returning(JobRow.tries)
            )
            return tries or 0

    def progress(self, jobs: Collection[int]) -> Progress:
        with self.store.database.reading() as session:
            rows = session.execute(
                select(JobRow.state, JobRow.run).where(JobRow.id.in_(jobs), JobRow.state != "done")
            ).all()
        claimed = [run for state, run in rows if state == "claimed"]
        here = sum(run == self.run for run in claimed)
        return Progress(len(rows) - len(claimed), here, len(claimed) - here)


class RunLock:
    """A lock that the kernel lets go of when the process dies, however it dies."""

    def __init__(self, folder: Path, run: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}.lock"
        self._file: IO[bytes] = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Lets go; run ids are never used again, so the file can go as well."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def is_alive(run: RunRow, folder: Path, now: datetime) -> bool:
    """Whether the process that registered `run` is still working on its claims.

    On the same machine its lock decides. From another machine only the heartbeat can be seen; it counts
    as stale in either direction, for a clock that was set back would keep a dead run alive.
    """
    if run.ended_at is not None:
        return False
    if run.host == socket.gethostname():
        return _is_locked(folder / f"{run.id}.lock")
    return abs(now - run.heartbeat_at) < _STALE


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _claimed() -> ColumnElement[bool]:
    return JobRow.state == "claimed"


def _held(job: int, run: str) -> ColumnElement[bool]:
    return and_(JobRow.id == job, JobRow.run == run, _claimed())
