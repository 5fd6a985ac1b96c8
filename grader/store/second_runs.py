"""Second runs: which attempts are run once more, and what differed in what their criteria stand on.

Nothing here is part of a mark, or of the history: a second run leaves no attempt and no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.store.entering import SECOND_RUN, Ask, JobKey, Priority, enter
from grader.store.models import AttemptRow, JobRow, RunRow, SettingRow
from grader.store.records import AttemptRecord
from grader.store.second_run_tables import SecondRunRow
from grader.store.unchanged import of_change

__all__ = [
    "ONE_IN",
    "Differing",
    "Found",
    "SecondRun",
    "SecondRuns",
    "end",
    "enter_second_run",
    "first_of",
    "found",
    "is_drawn",
    "keep_one_in",
    "kept_one_in",
    "one_in",
]

#: Of so many attempts one is run twice, where the course says nothing.
ONE_IN = 100
_SETTING = "second_runs"
# Made once: each end of a job asks it.
_KEPT = select(SettingRow.value).where(SettingRow.name == bindparam("name"))
#: The course's own word, for assignments of which it says nothing.
_ALL = ""


@dataclass(frozen=True)
class Differing:
    """One criterion that comes to something else.

    Attributes:
        first: Status and points of the first run, with the points that wait for a person.
        second: Those of the second.
        said: What was found the second time.
    """

    criterion: str
    title: str
    first: tuple[str, float, float]
    second: tuple[str, float, float]
    said: str


@dataclass(frozen=True)
class Found:
    """What a second run came to.

    Attributes:
        state: ``steady``, ``unsteady`` or ``failed``.
        evidence: Digest of what it left; empty where it failed.
    """

    state: str
    evidence: str = ""
    differing: tuple[Differing, ...] = ()


@dataclass(frozen=True)
class SecondRun:
    """An attempt that was not steady.

    Attributes:
        host: Who ran it first.
        seeds: Of both runs.
    """

    student: str
    assignment: str
    attempt: int
    number: int
    host: str
    seeds: tuple[int, int]
    made: datetime
    differing: tuple[Differing, ...]


@dataclass(frozen=True)
class SecondRuns:
    """All of an assignment, by what they came to, and those that were not steady, the newest first."""

    numbers: Mapping[str, int]
    unsteady: Sequence[SecondRun]


def kept_one_in(session: Session) -> dict[str, int]:
    """Of how many attempts one is run twice, by assignment; the empty name stands for the others."""
    kept = session.scalar(_KEPT, {"name": _SETTING})
    return {_ALL: ONE_IN} | (json.loads(kept) if kept else {})


def one_in(session: Session, assignment: str) -> int:
    """For one assignment; 0 for none."""
    kept = of_change(session, _SETTING, lambda: kept_one_in(session))
    return kept.get(assignment, kept[_ALL])


def keep_one_in(session: Session, assignment: str, number: int) -> None:
    """Says it for an assignment, or with an empty name for the course.

    Raises:
        UsageError: The number is negative.
    """
    if number < 0:
        raise UsageError("one attempt in how many is run twice?", expected="1 or more; 0 for none")
    kept = kept_one_in(session) | {assignment: number}
    session.merge(SettingRow(name=_SETTING, value=json.dumps(kept, sort_keys=True)))


def is_drawn(evidence: str, number: int) -> bool:
    """Whether an attempt is among those that are run twice: by its evidence, which nobody chooses."""
    return number > 0 and int(sha256(f"second run of {evidence}".encode()).hexdigest(), 16) % number == 0


def enter_second_run(session: Session, attempt: int, job: int, plan: str, seed: int, at: datetime) -> None:
    """Queues an attempt once more, after everything else.

    Args:
        session: The transaction that writes the attempt.
        attempt: Its row of the history.
        job: The job that it ended.
        plan: Digest of the same plan with another seed.
        seed: That seed.
        at: The time.
    """
    first = session.get_one(JobRow, job)
    key = JobKey(first.student, first.assignment, first.notebook, plan, first.image, SECOND_RUN)
    ask = Ask(key, first.course, Priority.SECOND_RUN, first.gpu)
    (second,) = enter(session, [ask], fresh=True, at=at)
    assert second is not None
    host = session.scalar(select(RunRow.host).where(RunRow.id == first.run)) or ""
    told = {"host": host, "made": at, "state": "waiting", "seed": seed, "evidence": "", "differing": "[]"}
    session.add(SecondRunRow(attempt=attempt, job=second, **told))
    session.flush()


def first_of(session: Session, job: int) -> AttemptRecord | None:
    """The attempt that a job of the queue is the second run of."""
    of = select(AttemptRow).join(SecondRunRow, SecondRunRow.attempt == AttemptRow.seq)
    row = session.scalar(of.where(SecondRunRow.job == job))
    return None if row is None else AttemptRecord.of(row)


def end(session: Session, job: int, found: Found) -> None:
    """Keeps what a second run came to; nothing where its student was erased meanwhile."""
    row = session.scalar(select(SecondRunRow).where(SecondRunRow.job == job))
    if row is not None:
        row.state, row.evidence = found.state, found.evidence
        row.differing = json.dumps([asdict(each) for each in found.differing])
        session.flush()


def found(session: Session, assignment: str | None) -> SecondRuns:
    """What second runs of an assignment came to; of all where none is named."""
    of = [] if assignment is None else [AttemptRow.assignment == assignment]
    joined = select(SecondRunRow, AttemptRow).join(AttemptRow, AttemptRow.seq == SecondRunRow.attempt)
    query = joined.where(SecondRunRow.state == "unsteady", *of).order_by(SecondRunRow.id.desc())
    counted = (
        select(SecondRunRow.state, func.count())
        .join(AttemptRow, AttemptRow.seq == SecondRunRow.attempt)
        .where(*of)
        .group_by(SecondRunRow.state)
    )
    numbers = {state: number for state, number in session.execute(counted)}  # noqa: C416, rows are no pairs
    return SecondRuns(numbers, [_told(row, attempt) for row, attempt in session.execute(query)])


def _told(row: SecondRunRow, attempt: AttemptRow) -> SecondRun:
    differing = tuple(
        Differing(each["criterion"], each["title"], tuple(each["first"]), tuple(each["second"]), each["said"])
        for each in json.loads(row.differing)
    )
    return SecondRun(
        student=attempt.student,
        assignment=attempt.assignment,
        attempt=row.attempt,
        number=attempt.number,
        host=row.host,
        seeds=(attempt.seed, row.seed),
        made=row.made,
        differing=differing,
    )
