"""Groups: who hands in together, for whom a file counts, and one run of it as the attempt of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.enrolling import book_in
from grader.store.group_tables import GroupFileRow, GroupRow
from grader.store.ledger import Signature
from grader.store.models import JobRow, LedgerRow, SettingRow
from grader.store.records import Record

__all__ = [
    "Group",
    "GroupFileRecord",
    "GroupRecord",
    "group_of",
    "groups_of",
    "keep_names_shown",
    "names_shown",
    "note_job_done",
    "record_group",
    "record_group_file",
    "sharers",
]

_NAMES_SHOWN = "group_names"


@dataclass(frozen=True, kw_only=True)
class GroupRecord(Record):
    """All who hand in together from now on; none where the group ends."""

    assignment: str
    name: str
    members: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class GroupFileRecord(Record):
    """For whom a group's file counts."""

    assignment: str
    notebook: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A group that holds, with who made it so, when (UTC) and why."""

    name: str
    members: tuple[str, ...]
    reason: str
    by: str
    at: datetime


def record_group(session: Session, group: GroupRecord, signature: Signature) -> None:
    ledger.append(session, GroupRow(**group.columns), signature)


def record_group_file(session: Session, file: GroupFileRecord, signature: Signature) -> None:
    ledger.append(session, GroupFileRow(**file.columns), signature)


def groups_of(session: Session, assignment: str) -> dict[str, Group]:
    """Groups of an assignment that hold, by name; without whoever was erased."""
    newest = select(func.max(GroupRow.seq)).filter_by(assignment=assignment).group_by(GroupRow.name)
    query = (
        select(GroupRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == GroupRow.seq)
        .where(GroupRow.seq.in_(newest))
        .order_by(GroupRow.name)
    )
    found = {}
    for row, seal in session.execute(query):
        members = _not_erased(session, row.members)
        if members:
            found[row.name] = Group(row.name, members, row.reason, seal.actor, seal.at)
    return found


def group_of(session: Session, assignment: str, student: str) -> Group | None:
    """The group that a student is in; None where they hand in by themselves."""
    groups = groups_of(session, assignment).values()
    return next((group for group in groups if student in group.members), None)


# Made once: each key of points asks it, and to put it together takes longer than to ask.
_SHARERS = (
    select(GroupFileRow.members)
    .where(GroupFileRow.assignment == bindparam("assignment"), GroupFileRow.notebook == bindparam("notebook"))
    .order_by(GroupFileRow.seq.desc())
)


def sharers(session: Session, assignment: str, student: str, notebook: str) -> tuple[str, ...]:
    """For whom else a file counts that counts for a student; nobody where they handed it in by themselves."""
    rows = session.connection().scalars(_SHARERS, {"assignment": assignment, "notebook": notebook})
    newest = next((members for members in rows if student in members), ())
    return tuple(each for each in _not_erased(session, newest) if each != student)


def note_job_done(session: Session, done: int, student: str) -> int:
    """A job of another student that is done by the one given, whose end is part of this transaction.

    Returns:
        Its number.
    """
    job = session.get_one(JobRow, done)
    row = JobRow(
        student=student,
        assignment=job.assignment,
        notebook=job.notebook,
        plan=job.plan,
        image=job.image,
        purpose=job.purpose,
        state="done",
        tries=0,
        error="",
        queued_at=job.queued_at,
        course=job.course,
        priority=job.priority,
        place=job.place,
        gpu=job.gpu,
        token=0,
    )
    session.add(row)
    session.flush()
    return row.id


def names_shown(session: Session) -> bool:
    """Whether members of a group read whom they hand in with."""
    return session.get(SettingRow, _NAMES_SHOWN) is not None


def keep_names_shown(session: Session, shown: bool) -> None:
    """Says whether they do from now on."""
    if shown:
        session.merge(SettingRow(name=_NAMES_SHOWN, value="shown"))
    else:
        session.execute(delete(SettingRow).where(SettingRow.name == _NAMES_SHOWN))
    session.flush()


def _not_erased(session: Session, students: Collection[str]) -> tuple[str, ...]:
    book = book_in(session)
    return tuple(student for student in students if not book.is_erased(student))
