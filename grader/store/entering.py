"""How work comes into the queue: not twice, in the place of what it replaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.store.models import AttemptRow, JobRow

__all__ = [
    "ANYWHERE",
    "BESIDE",
    "PRE_CHECK",
    "SECOND_RUN",
    "Ask",
    "JobKey",
    "Priority",
    "enter",
    "enter_first",
    "in_state",
]

#: In place of an image: whoever takes the job says what it runs in.
ANYWHERE = "any"
#: The purpose of a job that looks at a notebook before it is handed in: no attempt comes of it.
PRE_CHECK = "pre-check"

_OUR_FAULT = Outcome.SANDBOX_UNAVAILABLE.value
_UNREAD = Outcome.INVALID_SUBMISSION.value


def in_state(state: str) -> ColumnElement[bool]:
    """The state stands in the statement itself, so that indexes of the rows in one state are found."""
    return JobRow.state == literal(state, literal_execute=True)


def _is_open() -> ColumnElement[bool]:
    """In the words of the index of open jobs."""
    return and_(*(JobRow.state != literal(state, literal_execute=True) for state in ("done", "superseded")))


class Priority(IntEnum):
    """What comes first among the jobs of a course."""

    HANDED_IN = 0
    TRY_OUT = 1
    RERUN = 2
    PRE_CHECK = 3
    #: Of an attempt that was recorded already, to see whether it is steady.
    SECOND_RUN = 4


#: What replaces no file and is replaced by none: it says nothing of what counts.
BESIDE = (Priority.TRY_OUT, Priority.SECOND_RUN)


#: The purpose of a job that runs once more what an attempt stands on; no attempt comes of it either.
SECOND_RUN = "second run"


@dataclass(frozen=True, slots=True)
class JobKey:
    """What makes a piece of work the same work.

    Attributes:
        notebook: SHA-256 of the file.
        plan: Digest of the plan.
        image: What it runs in; empty where nothing is run, `ANYWHERE` where whoever takes it says so.
        purpose: Empty where an attempt comes of it, else `PRE_CHECK` or `SECOND_RUN`.
    """

    student: str
    assignment: str
    notebook: str
    plan: str
    image: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Work that somebody wants done.

    Attributes:
        course: Empty where the database has one.
        gpu: Whether it needs one.
        fellows: Others for whom this file counts, whose earlier files are not run any more either.
    """

    key: JobKey
    course: str = ""
    priority: Priority = Priority.HANDED_IN
    gpu: bool = False
    fellows: tuple[str, ...] = ()


def enter(session: Session, asks: Sequence[Ask], *, fresh: bool, at: datetime) -> list[int | None]:
    """Queues what is neither done nor there already; see `Queue.enqueue`."""
    entered: list[int | None] = []
    of_student: dict[tuple[str, str], list[int]] = defaultdict(list)
    for ask in asks:
        beside = of_student[ask.key.student, ask.key.assignment]
        job = _enter(session, ask, fresh=fresh, at=at, beside=beside)
        entered.append(job)
        beside.extend([] if job is None else [job])
    return entered


def _enter(session: Session, ask: Ask, *, fresh: bool, at: datetime, beside: Collection[int]) -> int | None:
    # Of a class's rush most come for the first time: then there is nothing to compare with.
    is_first = session.scalar(_any_of(ask.key)) is None
    waiting = None if is_first else session.scalar(_waiting(ask.key))
    if waiting is not None:
        waiting.priority = min(waiting.priority, ask.priority)
        return waiting.id
    if not fresh and not is_first and _stands(session, ask.key):
        return None
    job = JobRow(**_columns(ask, at), place=0)
    session.add(job)
    session.flush()
    job.place = (None if is_first else _place_of_replaced(session, ask, beside)) or job.id
    session.flush()
    return job.id


def enter_first(session: Session, asks: Sequence[Ask], at: datetime) -> None:
    """Queues work of students of whom there is no job on the assignment at all, by one statement."""
    if asks:
        session.connection().execute(_ENTER_FIRST, [_columns(ask, at) for ask in asks])


def _columns(ask: Ask, at: datetime) -> dict[str, Any]:
    """Of a new job, all but its place."""
    return {
        **asdict(ask.key),
        "state": "queued",
        "tries": 0,
        "error": "",
        "queued_at": at,
        "course": ask.course,
        "priority": ask.priority,
        "gpu": ask.gpu,
        "token": 0,
    }


def _any_of(key: JobKey) -> Select[int]:
    """Any job on a student's work, whatever became of it."""
    return select(JobRow.id).filter_by(student=key.student, assignment=key.assignment).limit(1)


def _waiting(key: JobKey) -> Select[JobRow]:
    """A job that is open and comes to the same: in this image, or where either may run anywhere."""
    same = {name: value for name, value in asdict(key).items() if name != "image"}
    alike = select(JobRow).filter_by(**same).where(_is_open()).order_by(JobRow.id).limit(1)
    if key.image == ANYWHERE:
        return alike.where(JobRow.image != "")
    return alike.where(JobRow.image.in_((key.image, ANYWHERE) if key.image else ("",)))


def _stands(session: Session, key: JobKey) -> bool:
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


def _sandbox_of(image: str) -> str:
    """The kind of sandbox: images are named by their digest (``sha256:...``), others by their kind."""
    return image.partition(":")[0]


def _place_of_replaced(session: Session, ask: Ask, beside: Collection[int]) -> int | None:
    """Takes an earlier file of the student out of the queue, unless it came with this one; gives its place.

    One that is being run already is let run: its attempt is of the file that it names.
    """
    if ask.priority in BESIDE:
        return None
    replaced = (
        JobRow.student.in_((ask.key.student, *ask.fellows)),
        JobRow.assignment == ask.key.assignment,
        JobRow.course == ask.course,
        JobRow.notebook != ask.key.notebook,
        in_state("queued"),
        _is_open(),
        JobRow.priority.not_in(BESIDE),
        JobRow.purpose == ask.key.purpose,
        JobRow.id.not_in(beside),
    )
    places = session.scalars(
        update(JobRow).where(*replaced).values(state="superseded").returning(JobRow.place)
    ).all()
    return min(places, default=None)


_NAMED = (*_columns(Ask(JobKey("", "", "", "", "")), datetime.min),)
#: A place behind all that are there: no job has a greater one than its number.
_ENTER_FIRST = insert(JobRow).values(
    {name: bindparam(name) for name in _NAMED}
    | {"place": select(func.coalesce(func.max(JobRow.id), 0) + 1).scalar_subquery()}
)
