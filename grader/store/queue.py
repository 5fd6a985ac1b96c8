"""The queue in the database: who may take which job next, and whose end of it counts.

A claim is a lease with a number, its fencing token. Claims touch the rows of the queue alone, so that they
never wait for a writer of the history where the database can lock rows; the end of a job is written in the
transaction that writes its attempt.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from grader.store.entering import ANYWHERE, Ask, JobKey, Priority, enter, in_state
from grader.store.leases import BEATS, LEASE_S, LONGEST_LEASE_S, database_now, holds, lapsed
from grader.store.models import JobRow, RunRow, WantRow
from grader.store.pauses import is_paused, may_be_taken
from grader.store.second_run_tables import SecondRunRow
from grader.store.store import Store
from grader.store.writable_history import WritableHistory

__all__ = ["ANYWHERE", "Ask", "Claim", "HeldClaim", "JobKey", "Priority", "Progress", "Queue", "Reach"]


@dataclass(frozen=True)
class Claim:
    """A job that a run has taken.

    Attributes:
        tries: Times that the sandbox failed us.
        token: Says which claim of this job it is; a later one makes it worthless.
        is_second_run: It is run to be compared with an attempt that stands, and leaves none itself.
    """

    id: int
    key: JobKey
    tries: int
    token: int
    is_second_run: bool = False


@dataclass(frozen=True)
class HeldClaim:
    """A claim, and whether it has ended its job; while it has not, it holds."""

    claim: Claim
    has_ended: bool


@dataclass(frozen=True)
class Progress:
    """How far the jobs are that a run asked for.

    Attributes:
        paused: How many of those that are queued are not taken now.
    """

    queued: int
    claimed_here: int
    claimed_elsewhere: int
    paused: int = 0

    @property
    def open(self) -> int:
        return self.queued + self.claimed_here + self.claimed_elsewhere


@dataclass(frozen=True)
class Reach:
    """What a worker may take and can run; None sets no bound.

    Attributes:
        images: Those that it has; what needs none, or may run anywhere, is everybody's.
        gpu: Whether it has one.
        but_not: Assignments that it cannot serve just now.
        but_no: Purpose of jobs that it leaves alone; None takes all.
        own: Only what its own run asked for.
        second_runs: Where nothing else waits, also attempts that other hosts ran, and that are run once more.
    """

    courses: tuple[str, ...] | None = None
    assignments: tuple[str, ...] | None = None
    images: tuple[str, ...] | None = None
    gpu: bool = True
    but_not: tuple[str, ...] = ()
    but_no: str | None = None
    own: bool = False
    second_runs: bool = False


#: So long a second run waits for another host than the first one's.
_ELSEWHERE = timedelta(hours=1)
_OWN = Reach(own=True)
_CLAIMED = (
    JobRow.id,
    JobRow.tries,
    JobRow.token,
    JobRow.priority,
    *(getattr(JobRow, each.name) for each in fields(JobKey)),
)


# Made once: each end asks it.
_KNOWN = select(JobRow.state, *_CLAIMED).where(
    JobRow.id.in_(bindparam("jobs", expanding=True)),
    JobRow.run == bindparam("run"),
    JobRow.state.in_(("claimed", "done")),
)
_END = (
    update(JobRow)
    .where(JobRow.id == bindparam("job"), JobRow.token == bindparam("fence"), in_state("claimed"))
    # Who ended it stays there, so that it can be told so again.
    .values(state="done", lease_until=None)
    .returning(JobRow.id)
)


class Queue:
    """The queue as one run of the grader sees it; use as a context manager.

    Args:
        store: Where it is.
        lease_s: How long a claim holds without a beat.
        run: Under which name claims are held; one made by chance where none is given. Who has a given
            name renews leases by `renew` and may begin anew: what it does not renew lapses for it too.
        serves: Whether it takes whatever is queued, so that who asks for something may count on it.
    """

    def __init__(
        self, store: Store, *, lease_s: float = LEASE_S, run: str = "", serves: bool = False
    ) -> None:
        self.store = store
        self.run = run or uuid.uuid4().hex
        self._begins_anew = bool(run)
        self._lease_s = min(lease_s, LONGEST_LEASE_S)
        self._serves = serves

    @property
    def beat_s(self) -> float:
        """How often `beat` has to be called while something is claimed."""
        return self._lease_s / BEATS

    def __enter__(self) -> Queue:
        self.sign_on(socket.gethostname(), os.getpid())
        return self

    def sign_on(self, host: str, pid: int) -> None:
        """Says who works under this name; holds nothing by itself."""
        with self.store.database.queueing() as session:
            _forget_what_dead_runs_wanted(session)
            # Merged: it may be there already, where the answer to an earlier try was lost.
            session.merge(
                RunRow(
                    id=self.run,
                    host=host,
                    pid=pid,
                    started_at=self.store.clock(),
                    ended_at=None,
                    lease_until=self._lease(),
                    serves=self._serves,
                )
            )

    def __exit__(self, *_: object) -> None:
        with self.store.database.queueing() as session:
            _free(session, and_(JobRow.run == self.run, _claimed()))
            session.execute(delete(WantRow).where(WantRow.run == self.run))
            session.execute(update(RunRow).where(RunRow.id == self.run).values(ended_at=self.store.clock()))

    def beat(self) -> None:
        """Renews this run's leases, and frees those that others no longer renew."""
        with self.store.database.queueing() as session:
            session.execute(update(RunRow).where(RunRow.id == self.run).values(lease_until=self._lease()))
            # What is locked is being ended; to wait for it, with others locked, could be to wait for ever.
            held = select(JobRow.id).where(JobRow.run == self.run, _claimed())
            ids = session.scalars(held.with_for_update(skip_locked=True, key_share=True)).all()
            renewed = update(JobRow).where(JobRow.id.in_(ids)).values(lease_until=self._lease())
            session.execute(renewed.execution_options(synchronize_session=False))
            _free_lapsed(session, but_not_of=self.run)

    def renew(self, held: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
        """Renews some leases of this run, by job and token.

        Returns:
            Those that still hold; what is missing was taken over, has ended, or never was this run's.
        """
        kept: set[tuple[int, int]] = set()
        with self.store.database.queueing() as session:
            session.execute(update(RunRow).where(RunRow.id == self.run).values(lease_until=self._lease()))
            for job, token in sorted(held):
                renewed = session.execute(
                    update(JobRow)
                    .where(JobRow.id == job, JobRow.token == token, JobRow.run == self.run, _claimed())
                    .values(lease_until=self._lease())
                    .returning(JobRow.id)
                ).first()
                kept.update([] if renewed is None else [(job, token)])
        return kept

    def held(self, job: int, token: int) -> Claim | None:
        """A claim of this run, by job and token, while it holds; None for any other."""
        return next((each.claim for each in self.known([(job, token)]) if not each.has_ended), None)

    def known(self, leases: Collection[tuple[int, int]]) -> list[HeldClaim]:
        """Claims of this run, by job and token, that hold or have ended their jobs; no others."""
        with self.store.database.reading() as session:
            rows = session.execute(_KNOWN, {"run": self.run, "jobs": [job for job, _ in leases]}).all()
        found = [HeldClaim(_claim_of(row[1:]), row[0] == "done") for row in rows]
        return [each for each in found if (each.claim.id, each.claim.token) in leases]

    def enqueue(self, history: WritableHistory, asks: Sequence[Ask], *, fresh: bool) -> list[int | None]:
        """Puts work into the queue that is neither done nor there already.

        A file that came in place of one that still waits takes its place in the queue; that one is not run.

        Args:
            history: That says what is done already.
            asks: The work.
            fresh: Whether work counts as open though an attempt is there.

        Returns:
            The job of each; None where an attempt of an earlier run stands.
        """
        jobs = enter(history.session, asks, fresh=fresh, at=self.store.clock())
        self._want(history.session, {job for job in jobs if job is not None})
        return jobs

    def _want(self, session: Session, jobs: Collection[int]) -> None:
        """Notes what this run asked for, beside what it asked for before; rows of a class are no objects."""
        there = set(session.scalars(select(WantRow.job).where(WantRow.run == self.run)))
        new = [{"run": self.run, "job": job} for job in sorted(set(jobs) - there)]
        if new:
            session.execute(insert(WantRow), new)

    def claim(self, reach: Reach = _OWN) -> Claim | None:
        """Takes the next job within `reach` that nobody holds.

        The course that has the fewest running comes first, within it what is more urgent, then what came
        first. What is paused is passed over.
        """
        return next(iter(self.claim_up_to(1, reach)), None)

    def claim_up_to(self, most: int, reach: Reach = _OWN) -> list[Claim]:
        """Takes so many jobs as `claim` takes one, or fewer where fewer wait, all in one transaction."""
        with self.store.database.queueing() as session:
            claims = self._take_next(session, reach, most)
            # Looked for last: while anything is queued it is not worth a look at each claim, and beats do it.
            not_of = "" if self._begins_anew else self.run
            if not claims and _free_lapsed(session, but_not_of=not_of):
                claims = self._take_next(session, reach, most)
            if not claims and reach.second_runs:
                claims = self._take_next(session, reach, most, *self._second_runs(session))
            return claims

    def _second_runs(self, session: Session) -> list[ColumnElement[bool]]:
        """Those that another host ran first; of its own where no other is there, or came in an hour."""
        host = session.scalar(select(RunRow.host).where(RunRow.id == self.run)) or ""
        others = (RunRow.host != host, RunRow.ended_at.is_(None), holds(RunRow.lease_until))
        bounds = [JobRow.priority == Priority.SECOND_RUN]
        if session.scalar(select(RunRow.id).where(*others).limit(1)) is not None:
            of_mine = and_(
                SecondRunRow.job == JobRow.id,
                SecondRunRow.host == host,
                SecondRunRow.made > self.store.clock() - _ELSEWHERE,
            )
            bounds.append(~exists().where(of_mine))
        return bounds

    def _take_next(
        self, session: Session, reach: Reach, most: int, *more: ColumnElement[bool]
    ) -> list[Claim]:
        unpaused = may_be_taken(session)
        if unpaused is None:
            return []
        kind = more or (JobRow.priority < Priority.SECOND_RUN,)
        bounds = [*self._bounds(reach), *unpaused, *kind]
        found: list[Claim] = []
        courses = _courses_by_turn(session, reach)
        while courses and len(found) < most:
            # Which of several has the fewest running is another one after each.
            number = most - len(found) if len(courses) == 1 else 1
            taken = self._take_of(session, courses[0], number, bounds)
            found += taken
            if len(taken) < number or len(courses) == 1:
                courses = courses[1:]
            elif len(found) < most:
                there = set(courses)
                courses = [each for each in _courses_by_turn(session, reach) if each in there]
        return found

    def _take_of(
        self, session: Session, course: str, most: int, bounds: Sequence[ColumnElement[bool]]
    ) -> list[Claim]:
        following = (
            select(JobRow.id)
            .where(in_state("queued"), JobRow.course == course, *bounds)
            .order_by(JobRow.priority, JobRow.place)
            .limit(most)
            # Rows that others are just taking are passed over; SQLite has one writer, and no need.
            .with_for_update(skip_locked=True, key_share=True)
            # A subquery might be asked, and lock rows, more than once; this is asked once.
            .cte("following")
        )
        taken = session.execute(
            update(JobRow)
            .where(JobRow.id.in_(select(following.c.id)))
            .values(
                state="claimed",
                run=self.run,
                token=JobRow.token + 1,
                lease_until=self._lease(),
                claimed_at=self.store.clock(),
            )
            .returning(JobRow.place, *_CLAIMED)
            .execution_options(synchronize_session=False)
        ).all()
        rows = sorted(taken, key=lambda row: (row.priority, row.place))
        return [_claim_of(row[1:]) for row in rows]

    def _bounds(self, reach: Reach) -> list[ColumnElement[bool]]:
        bounds: list[ColumnElement[bool]] = []
        if reach.assignments is not None:
            bounds.append(JobRow.assignment.in_(reach.assignments))
        if reach.but_not:
            bounds.append(JobRow.assignment.not_in(reach.but_not))
        if reach.but_no is not None:
            bounds.append(JobRow.purpose != reach.but_no)
        if reach.images is not None:
            bounds.append(JobRow.image.in_(("", ANYWHERE, *reach.images)))
        if not reach.gpu:
            bounds.append(JobRow.gpu.in_((False,)))
        if reach.own:
            bounds.append(exists().where(WantRow.run == self.run, WantRow.job == JobRow.id))
        return bounds

    def _lease(self) -> ColumnElement[float]:
        return database_now() + self._lease_s

    def finish(self, history: WritableHistory, claim: Claim) -> bool:
        """Ends a job in the transaction that stores its attempt.

        Returns:
            False where the claim is no longer the job's newest, or the job has ended: this result must be
            dropped.
        """
        ended = history.session.connection().execute(_END, {"job": claim.id, "fence": claim.token})
        return ended.first() is not None

    def was_ended_by(self, history: WritableHistory, claim: Claim) -> bool:
        """Whether this very claim ended its job: asked again where the answer to a commit was lost."""
        same = (JobRow.id == claim.id, JobRow.token == claim.token, JobRow.state == "done")
        return history.session.scalar(select(JobRow.id).where(*same)) is not None

    def give_back(self, claim: Claim) -> None:
        """Puts a claimed job back, as if it had never been claimed."""
        with self.store.database.queueing() as session:
            _free(session, _held(claim))

    def retry(self, claim: Claim, error: str) -> int:
        """Notes that the sandbox failed this job, and keeps the claim.

        Returns:
            How often it has failed by now; 0 where the claim is no longer the job's newest.
        """
        with self.store.database.queueing() as session:
            tries = session.scalar(
                update(JobRow)
                .where(_held(claim))
                .values(tries=JobRow.tries + 1, error=error)
                .returning(JobRow.tries)
            )
            return tries or 0

    def progress(self) -> Progress:
        """How far the jobs are that this run asked for."""
        here = case((JobRow.run == self.run, 1), else_=0)
        query = (
            select(JobRow.state, here, func.count())
            .join(WantRow, WantRow.job == JobRow.id)
            .where(WantRow.run == self.run, or_(in_state("queued"), in_state("claimed")))
            .group_by(JobRow.state, here)
        )
        with self.store.database.reading() as session:
            count = {(state, is_here): number for state, is_here, number in session.execute(query)}
            paused = self._paused(session)
        return Progress(
            count.get(("queued", 0), 0), count.get(("claimed", 1), 0), count.get(("claimed", 0), 0), paused
        )

    def _paused(self, session: Session) -> int:
        paused = is_paused(session)
        if paused is None:
            return 0
        own = exists().where(WantRow.run == self.run, WantRow.job == JobRow.id)
        query = select(func.count()).select_from(JobRow).where(in_state("queued"), paused, own)
        return session.scalar(query) or 0


def _claim_of(row: Sequence[Any]) -> Claim:
    job, tries, token, priority, *key = row
    return Claim(job, JobKey(*key), tries, token, priority == Priority.SECOND_RUN)


def _claimed() -> ColumnElement[bool]:
    return in_state("claimed")


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(JobRow.id == claim.id, JobRow.token == claim.token, _claimed())


def _free(session: Session, which: ColumnElement[bool]) -> None:
    freed = {"state": "queued", "run": None, "lease_until": None, "claimed_at": None}
    session.execute(update(JobRow).where(which).values(freed))


def _free_lapsed(session: Session, *, but_not_of: str) -> bool:
    """Puts back what nobody renews; a run's own late beat must not make it do its own work twice.

    Returns:
        Whether there was any.
    """
    late = (
        select(JobRow.id)
        .where(_claimed(), lapsed(JobRow.lease_until), JobRow.run != but_not_of)
        .with_for_update(skip_locked=True, key_share=True)
    )
    found = session.scalars(late).all()
    if found:
        _free(session, JobRow.id.in_(found))
    return bool(found)


def _courses_by_turn(session: Session, reach: Reach) -> list[str]:
    """Courses that have something queued, the one with the fewest running first."""
    if reach.courses is not None:
        waiting: Sequence[str] = reach.courses
    else:
        waiting = session.scalars(_courses_waiting()).all()
    if len(waiting) < 2:
        return list(waiting)
    counted = select(JobRow.course, func.count()).where(_claimed()).group_by(JobRow.course)
    running = {course: number for course, number in session.execute(counted)}  # noqa: C416, rows are no pairs
    return sorted(waiting, key=lambda course: (running.get(course, 0), course))


def _courses_waiting() -> Select[str]:
    """Each course once, by as many looks into the index as there are courses, however many jobs wait."""
    first = select(func.min(JobRow.course).label("course")).where(in_state("queued"))
    found = first.cte("found", recursive=True)
    following = (
        select(func.min(JobRow.course))
        .where(in_state("queued"), JobRow.course > found.c.course)
        .scalar_subquery()
    )
    found = found.union_all(select(following).where(found.c.course.is_not(None)))
    return select(found.c.course).where(found.c.course.is_not(None))


def _forget_what_dead_runs_wanted(session: Session) -> None:
    dead = select(RunRow.id).where(RunRow.ended_at.is_(None), lapsed(RunRow.lease_until))
    session.execute(delete(WantRow).where(WantRow.run.in_(dead)))
