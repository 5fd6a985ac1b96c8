"""What the service received from students: one sealed row a file, by which its receipt can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import HandInRow, LedgerRow, SubmissionRow
from grader.store.records import Record, SubmissionRecord
from grader.store.silence import is_silent

__all__ = [
    "HandInRecord",
    "Received",
    "Way",
    "find_hand_in",
    "hand_ins",
    "newest_submission",
    "record_hand_in",
    "sent_since",
]


class Way(StrEnum):
    """How a file came."""

    ACCOUNT = "account"
    LINK = "link"
    COMMAND = "command"


@dataclass(frozen=True, kw_only=True)
class HandInRecord(Record):
    """A file that came.

    Attributes:
        student: Whose it is.
        notebook: SHA-256 of what is kept among the blobs.
        sha256, size: Of the bytes as they were sent.
        file: What it was called; empty once its student was erased.
        way: See `Way`.
        link: SHA-256 of the link that it came by; empty for others.
        counts: False where it came when nothing counts any more, and took no other's place.
    """

    student: str
    assignment: str
    notebook: str
    sha256: str
    size: int
    file: str
    way: str
    link: str
    counts: bool


@dataclass(frozen=True)
class Received:
    """A file that came, with its seal.

    Attributes:
        seq: Number of its row.
        digest: Of the row's seal.
        at: The service's time, in UTC.
        by: Who sent it, as the history has it.
    """

    record: HandInRecord
    seq: int
    digest: str
    at: datetime
    by: str


def record_hand_in(session: Session, record: HandInRecord, signature: Signature) -> Received:
    """Seals that a file came, and gives what its receipt says."""
    row = ledger.append(session, HandInRow(**record.columns), signature)
    return Received(record, row.seq, ledger.own_head(session).digest, signature.at, signature.actor)


def find_hand_in(session: Session, seq: int) -> Received | None:
    """The file that came by the row with this number; None where that row is another's, or none."""
    found = session.execute(_sealed().where(HandInRow.seq == seq)).first()
    return None if found is None else _received(*found)


def hand_ins(session: Session, assignment: str, student: str | None = None) -> list[Received]:
    """All that came for an assignment, of one student where one is named; the oldest first."""
    query = _sealed().where(HandInRow.assignment == assignment).order_by(HandInRow.seq)
    if student is None:
        return [_received(*found) for found in session.execute(query)]
    if is_silent(session, HandInRow, assignment, student):
        return []
    return [_received(*found) for found in session.execute(query.where(HandInRow.student == student))]


def sent_since(session: Session, student: str, assignment: str, moment: datetime) -> tuple[int, int]:
    """How many files came from a student since then, and how many bytes they have together."""
    asked = {"student": student, "assignment": assignment, "moment": moment}
    number, size = session.connection().execute(_SENT_SINCE, asked).one()
    return int(number), int(size)


# Made once: to put it together takes longer than to ask it.
_SENT_SINCE = (
    select(func.count(), func.coalesce(func.sum(HandInRow.size), 0))
    .join(LedgerRow, LedgerRow.seq == HandInRow.seq)
    .where(
        HandInRow.student == bindparam("student"),
        HandInRow.assignment == bindparam("assignment"),
        LedgerRow.at >= bindparam("moment"),
    )
)
_NEWEST = (
    select(SubmissionRow)
    .where(SubmissionRow.student == bindparam("student"), SubmissionRow.assignment == bindparam("assignment"))
    .order_by(SubmissionRow.seq.desc())
    .limit(1)
)


def newest_submission(session: Session, student: str, assignment: str) -> SubmissionRecord | None:
    """The file that counts of a student; None where there is none."""
    row = session.scalar(_NEWEST, {"student": student, "assignment": assignment})
    return None if row is None else SubmissionRecord.of(row)


def _sealed() -> Select[LedgerRow, HandInRow]:
    return select(LedgerRow, HandInRow).join(HandInRow, HandInRow.seq == LedgerRow.seq)


def _received(seal: LedgerRow, row: HandInRow) -> Received:
    return Received(HandInRecord.of(row), row.seq, seal.digest, seal.at, seal.actor)
