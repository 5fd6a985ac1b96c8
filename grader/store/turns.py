"""Whose turn comes when: what is run since when, what the last runs took, and in which order others come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.store.entering import BESIDE, PRE_CHECK, Priority, in_state
from grader.store.leases import holds
from grader.store.models import AttemptRow, JobRow, LedgerRow
from grader.store.pauses import is_paused
from grader.store.unchanged import of_change

__all__ = ["JobOn", "Pace", "Waiting", "job_on", "jobs_before", "pace", "waiting"]

#: Lengths are those of so many runs of an assignment, among so many of all.
_LAST, _RUNS = 50, 400
#: Of what waits the order of so many is told.
_NEAR = 100


class Waiting(NamedTuple):
    """What waits of a course.

    Attributes:
        near: Assignments of some jobs in their order.
        far: How many there are besides, by assignment.
    """

    near: tuple[str, ...] = ()
    far: Mapping[str, int] = {}

    @property
    def number(self) -> int:
        return len(self.near) + sum(self.far.values())


class JobOn(NamedTuple):
    """What becomes of a file.

    Attributes:
        state: ``queued``, ``claimed``, ``done`` or ``superseded``.
        ahead: What of the course comes before it; near are the last ones, far those before them.
        paused: Whether it is queued and not taken now.
    """

    state: str
    ahead: Waiting = Waiting()
    paused: bool = False


class Pace(NamedTuple):
    """How fast it goes just now.

    Attributes:
        running: Assignment and beginning (UTC) of each job that is run at this moment: while anything waits,
            as many as there are seats. None where it began under an older version, which kept no time.
        lengths: Seconds that each of the last runs took, from the claim to its result, by assignment.
    """

    running: tuple[tuple[str, datetime | None], ...]
    lengths: Mapping[str, tuple[float, ...]]


def job_on(session: Session, student: str, assignment: str, notebook: str) -> JobOn | None:
    """The newest job on a file; None where there is none."""
    query = (
        select(JobRow)
        .filter_by(student=student, assignment=assignment, notebook=notebook)
        .where(JobRow.priority.not_in(BESIDE), JobRow.purpose == "")
        .order_by(JobRow.id.desc())
        .limit(1)
    )
    job = session.scalars(query).first()
    if job is None or job.state != "queued":
        return None if job is None else JobOn(job.state)
    paused = is_paused(session)
    kept = paused is not None and session.scalar(select(paused).where(JobRow.id == job.id))
    return JobOn(job.state, _last_of(session, paused, _comes_before(job)), bool(kept))


def waiting(session: Session, *, to_mark: bool = False) -> Waiting:
    """What waits and may be taken; in their order are the last ones.

    Args:
        session: Of this course.
        to_mark: Only what others have to wait for who share the seats: neither pre-checks nor second runs. In
            their order are then the first ones.
    """
    paused = is_paused(session)
    if to_mark:
        marked = (in_state("queued"), JobRow.priority < Priority.SECOND_RUN, JobRow.purpose != PRE_CHECK)
        return _told(session, paused, marked, first=True)
    return _last_of(session, paused, (in_state("queued"),))


def _last_of(
    session: Session, paused: ColumnElement[bool] | None, which: tuple[ColumnElement[bool], ...]
) -> Waiting:
    return _told(session, paused, which, first=False)


def _told(
    session: Session,
    paused: ColumnElement[bool] | None,
    which: tuple[ColumnElement[bool], ...],
    *,
    first: bool,
) -> Waiting:
    # What is paused is passed over until it is resumed.
    each = select(JobRow.assignment).where(*which, *(() if paused is None else (not_(paused),)))
    turn = (JobRow.priority, JobRow.place)
    ordered = each.order_by(*(turn if first else (column.desc() for column in turn))).limit(_NEAR)
    found = session.scalars(ordered).all()
    near = tuple(found if first else reversed(found))
    if len(near) < _NEAR:
        return Waiting(near)
    counted = each.with_only_columns(JobRow.assignment, func.count()).group_by(JobRow.assignment)
    listed = Counter(near)
    far = {name: number - listed[name] for name, number in session.execute(counted)}
    return Waiting(near, {name: number for name, number in far.items() if number})


def jobs_before(session: Session, job: JobRow) -> int:
    """How many jobs of the course come before one that is queued."""
    return session.scalar(select(func.count()).where(*_comes_before(job))) or 0


def _comes_before(job: JobRow) -> tuple[ColumnElement[bool], ...]:
    earlier = or_(
        JobRow.priority < job.priority, and_(JobRow.priority == job.priority, JobRow.place < job.place)
    )
    return in_state("queued"), JobRow.course == job.course, earlier


def pace(session: Session) -> Pace:
    """What is run, since when, and what the last runs took."""
    running = tuple((name, since) for name, since in session.execute(_CLAIMED))
    return Pace(running, of_change(session, "lengths of runs", lambda: _lengths_now(session)))


def _lengths_now(session: Session) -> Mapping[str, tuple[float, ...]]:
    lengths: dict[str, list[float]] = defaultdict(list)
    for assignment, wall_time_s, claimed, ended in session.execute(_LENGTHS):
        if len(lengths[assignment]) < _LAST:
            held = 0.0 if claimed is None else (ended - claimed).total_seconds()
            # Without a claim that is known, or by a clock that was set back, there is the run itself.
            lengths[assignment].append(held if held > 0 else wall_time_s)
    return {name: tuple(each) for name, each in lengths.items()}


def _lengths() -> Select[str, float, datetime | None, datetime]:
    """The last runs in which a sandbox ran anything, so many of all: a long history costs no more."""
    nothing_ran = (Outcome.SANDBOX_UNAVAILABLE.value, Outcome.INVALID_SUBMISSION.value)
    return (
        select(AttemptRow.assignment, AttemptRow.wall_time_s, JobRow.claimed_at, LedgerRow.at)
        .join(JobRow, JobRow.id == AttemptRow.job)
        .join(LedgerRow, LedgerRow.seq == AttemptRow.seq)
        .where(AttemptRow.outcome.not_in(nothing_ran))
        .order_by(AttemptRow.seq.desc())
        .limit(_RUNS)
    )


# Made once: to put it together takes longer than to ask it.
_LENGTHS = _lengths()
_CLAIMED = select(JobRow.assignment, JobRow.claimed_at).where(in_state("claimed"), holds(JobRow.lease_until))
