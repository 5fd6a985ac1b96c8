"""Pre-checks as they are asked for and told: counted by the database, and gone when nobody needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from grader.store.engine import Database
from grader.store.entering import Ask, enter
from grader.store.models import JobRow
from grader.store.pauses import is_held_back
from grader.store.precheck_tables import PreCheckFileRow, PreCheckRow, PreCheckRuleRow
from grader.store.queue_views import is_served
from grader.store.turns import jobs_before

__all__ = [
    "DAY",
    "KEPT",
    "WAITS",
    "NewPreCheck",
    "PreCheckRecord",
    "PreCheckRule",
    "PreChecks",
    "add_pre_check",
    "end_pre_check",
    "forget_pre_checks",
    "held_pre_checks",
    "pre_checks_counted",
    "remove_old_pre_checks",
    "runs_pre_check",
]

#: For so long one counts among those that a student has.
DAY = timedelta(days=1)
#: For so long what was told is kept for the student to read.
KEPT = timedelta(days=2)
#: For so long a file is kept that nobody takes.
WAITS = timedelta(days=1)


@dataclass(frozen=True)
class PreCheckRule:
    """How pre-checks are given; see `PreCheckRuleRow`."""

    a_day: int
    tells_rest: bool


@dataclass(frozen=True)
class NewPreCheck:
    """A file that is to be looked at.

    Attributes:
        ask: The job that runs it.
        file: What the student calls it.
        content: Its bytes.
        came: When the last of them was here.
    """

    ask: Ask
    file: str
    content: bytes
    came: datetime


@dataclass(frozen=True)
class PreCheckRecord:
    """One pre-check as it stands.

    Attributes:
        state: ``queued``, ``running``, ``told`` or ``failed``.
        before: How many jobs come before it, where it is queued.
        paused: Whether it is queued and not taken now.
        told: What may be said of it, as JSON; empty unless told.
    """

    id: int
    student: str
    assignment: str
    came: datetime
    file: str
    state: str
    before: int
    paused: bool
    told: str

    @property
    def is_over(self) -> bool:
        return self.state in ("told", "failed")


class PreChecks:
    """What is asked of them outside of the history. Safe to share between threads.

    Args:
        database: The course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def of(self, student: str, assignment: str) -> list[PreCheckRecord]:
        """A student's, the newest first; without what is no longer kept, whether it was removed or not."""
        with self._database.reading() as session:
            rows = session.execute(
                select(PreCheckRow, JobRow)
                .join(JobRow, JobRow.id == PreCheckRow.job)
                .where(*_whose(student, assignment), PreCheckRow.came > self._clock() - KEPT)
                .order_by(PreCheckRow.id.desc())
            )
            return [_record(session, row, job) for row, job in rows]

    def counted(self, student: str, assignment: str) -> list[datetime]:
        """When those came that count today, the oldest first."""
        with self._database.reading() as session:
            return pre_checks_counted(session, student, assignment, self._clock())

    def content(self, job: int) -> bytes:
        """The file that a job runs; empty where it was taken away meanwhile."""
        query = select(PreCheckFileRow.content).join(PreCheckRow).where(PreCheckRow.job == job)
        with self._database.reading() as session:
            return session.scalar(query) or b""

    def file_name(self, job: int) -> str:
        """What the student calls it."""
        with self._database.reading() as session:
            return session.scalar(select(PreCheckRow.file).where(PreCheckRow.job == job)) or "notebook.ipynb"

    def is_served(self) -> bool:
        """Whether anybody is at work who would run one."""
        with self._database.reading() as session:
            return is_served(session)

    def rule(self, assignment: str) -> PreCheckRule | None:
        """What the course set for an assignment, else for all; None where it set nothing."""
        with self._database.reading() as session:
            row = session.get(PreCheckRuleRow, assignment) or session.get(PreCheckRuleRow, "")
            return None if row is None else PreCheckRule(row.a_day, row.tells_rest)

    def has_own_rule(self, assignment: str) -> bool:
        """Whether one was set for this very assignment."""
        with self._database.reading() as session:
            return session.get(PreCheckRuleRow, assignment) is not None

    def set_rule(self, assignment: str, rule: PreCheckRule | None) -> None:
        """Sets it for an assignment, or with an empty name for all; None takes it back."""
        with self._database.writing() as session:
            if rule is not None:
                session.merge(
                    PreCheckRuleRow(assignment=assignment, a_day=rule.a_day, tells_rest=rule.tells_rest)
                )
            else:
                session.execute(delete(PreCheckRuleRow).where(PreCheckRuleRow.assignment == assignment))

    def remove_old(self) -> int:
        """Takes away what is no longer needed; says how many there were."""
        now = self._clock()
        with self._database.reading() as session:
            if session.scalar(select(PreCheckRow.id).where(_is_old(now)).limit(1)) is None:
                return 0
        with self._database.writing() as session:
            return remove_old_pre_checks(session, now)


def add_pre_check(session: Session, new: NewPreCheck) -> int:
    """Keeps a file and queues its job; one that still waits in the queue goes, for this is the newer file.

    Returns:
        Its number.
    """
    key = new.ask.key
    waiting = select(JobRow.id).where(JobRow.state == "queued")
    _remove(
        session,
        list(
            session.scalars(
                select(PreCheckRow.job).where(
                    *_whose(key.student, key.assignment),
                    PreCheckRow.state == "waiting",
                    PreCheckRow.job.in_(waiting),
                )
            )
        ),
    )
    [job] = enter(session, [new.ask], fresh=True, at=new.came)
    row = PreCheckRow(
        job=job,
        student=key.student,
        assignment=key.assignment,
        came=new.came,
        file=new.file,
        state="waiting",
        told="",
        ended=None,
    )
    session.add(row)
    session.flush()
    session.add(PreCheckFileRow(pre_check=row.id, content=new.content))
    session.flush()
    return row.id


def end_pre_check(session: Session, job: int, told: str, at: datetime) -> None:
    """Notes what may be said, or with nothing that it failed; the file goes in the same transaction."""
    row = session.scalars(select(PreCheckRow).where(PreCheckRow.job == job)).first()
    if row is None:
        return
    session.execute(delete(PreCheckFileRow).where(PreCheckFileRow.pre_check == row.id))
    row.state, row.told, row.ended = "told" if told else "failed", told, at
    session.flush()


def pre_checks_counted(session: Session, student: str, assignment: str, now: datetime) -> list[datetime]:
    """When those came that count today: what failed by a fault of ours does not."""
    query = select(PreCheckRow.came).where(
        *_whose(student, assignment), PreCheckRow.came > now - DAY, PreCheckRow.state != "failed"
    )
    return sorted(session.scalars(query))


def runs_pre_check(session: Session, student: str, assignment: str) -> bool:
    """Whether one of a student's is being run just now."""
    query = (
        select(PreCheckRow.id)
        .join(JobRow, JobRow.id == PreCheckRow.job)
        .where(*_whose(student, assignment), PreCheckRow.state == "waiting", JobRow.state == "claimed")
    )
    return session.scalar(query.limit(1)) is not None


def remove_old_pre_checks(session: Session, now: datetime) -> int:
    """Takes away what was told long ago, and what nobody took in time."""
    old = list(session.scalars(select(PreCheckRow.job).where(_is_old(now))))
    _remove(session, old)
    return len(old)


def forget_pre_checks(session: Session, student: str) -> None:
    """Of somebody who is erased; what is being run ends in nothing."""
    _remove(session, list(session.scalars(select(PreCheckRow.job).where(PreCheckRow.student == student))))


def held_pre_checks(session: Session, student: str) -> int:
    """How many there are of a student."""
    return session.scalar(select(func.count()).where(PreCheckRow.student == student)) or 0


def _is_old(now: datetime) -> ColumnElement[bool]:
    claimed = select(JobRow.id).where(JobRow.state == "claimed")
    unasked = (PreCheckRow.state == "waiting") & PreCheckRow.job.not_in(claimed)
    return (PreCheckRow.came <= now - KEPT) | (unasked & (PreCheckRow.came <= now - WAITS))


def _remove(session: Session, jobs: list[int]) -> None:
    """With their files. Of their jobs the numbers stay, or another job would get one that somebody holds."""
    ids = select(PreCheckRow.id).where(PreCheckRow.job.in_(jobs))
    session.execute(delete(PreCheckFileRow).where(PreCheckFileRow.pre_check.in_(ids)))
    session.execute(delete(PreCheckRow).where(PreCheckRow.job.in_(jobs)))
    theirs = update(JobRow).where(JobRow.id.in_(jobs))
    still_open = JobRow.state.in_(("queued", "claimed"))
    session.execute(theirs.where(still_open).values(state="superseded", run=None, lease_until=None))
    session.execute(theirs.values(student="", notebook="", error=""))


def _whose(student: str, assignment: str) -> tuple[ColumnElement[bool], ...]:
    return PreCheckRow.student == student, PreCheckRow.assignment == assignment


def _record(session: Session, row: PreCheckRow, job: JobRow) -> PreCheckRecord:
    state, before, paused = row.state, 0, False
    if state == "waiting":
        state = "running" if job.state == "claimed" else "queued"
        before = jobs_before(session, job) if job.state == "queued" else 0
        paused = job.state == "queued" and is_held_back(session, job)
    return PreCheckRecord(
        row.id, row.student, row.assignment, row.came, row.file, state, before, paused, row.told
    )
