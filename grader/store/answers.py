"""What answers look like, kept beside the history so that a class need not be read again to find equal ones.

Worked out from the evidence and the rubric, and worked out again where it is gone: it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, select
from sqlalchemy.orm import Session, aliased

from grader.evidence.record import Outcome
from grader.store.desk_tables import AnswerRow
from grader.store.models import AttemptRow, VerdictRow
from grader.store.records import Record

__all__ = ["AnswerRecord", "answers_to", "keep_answers", "unread_attempts"]

_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class AnswerRecord(Record):
    """What one answer looks like.

    Attributes:
        attempt: Its number in the history.
        part: Digest of where the answer was looked for (`workflows.desk.likeness.part_of`). Empty with an
            empty criterion, which says that the attempt was looked at.
        state: ``empty``, ``untouched``, ``written`` or ``not found``.
        prose: What was written in words, without what says nothing.
        code: What was written in code, without comments and the student's own names.
        calls: Names of the functions that the code calls, in order.
        shown: Digest of what the file handed in shows for it; empty for nothing.
    """

    attempt: int
    part: str
    criterion: str
    state: str
    prose: str
    code: str
    calls: str
    shown: str

    @classmethod
    def looked_at(cls, attempt: int) -> AnswerRecord:
        """That an attempt was looked at, whatever there was to see."""
        return cls(attempt=attempt, part="", criterion="", state="", prose="", code="", calls="", shown="")


def keep_answers(session: Session, records: Sequence[AnswerRecord]) -> None:
    """Keeps what was worked out, in place of what was kept for the same attempts and criteria before."""
    for attempt, criterion in {(record.attempt, record.criterion) for record in records}:
        session.execute(delete(AnswerRow).filter_by(attempt=attempt, criterion=criterion))
    session.add_all(AnswerRow(**record.columns) for record in records)
    session.flush()


def answers_to(
    session: Session, criterion: str, part: str, attempts: Collection[int]
) -> dict[int, AnswerRecord]:
    """What the answers of these attempts to a criterion look like, by attempt."""
    listed, found = sorted(attempts), dict[int, AnswerRecord]()
    for first in range(0, len(listed), _BATCH):
        asked = {"attempts": listed[first : first + _BATCH], "criterion": criterion, "part": part}
        rows = session.connection().execute(_ANSWERS, asked).all()
        records = (AnswerRecord(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)
        found.update({record.attempt: record for record in records})
    return found


def _answers() -> Select[*tuple[Any, ...]]:
    # Columns of the table, not the model: what is read by thousands needs no object-relational mapping.
    columns = AnswerRow.__table__.c
    return select(*(columns[name] for name in _COLUMNS)).where(
        columns.attempt.in_(bindparam("attempts", expanding=True)),
        columns.criterion == bindparam("criterion"),
        columns.part == bindparam("part"),
    )


_COLUMNS = tuple(AnswerRecord.__dataclass_fields__)
# Made once: each key of points asks it, and to put it together takes longer than to ask.
_ANSWERS = _answers()


def unread_attempts(session: Session, assignment: str | None = None) -> list[tuple[str, str]]:
    """Assignments and students whose newest attempt was judged and not looked at yet."""
    later = aliased(AttemptRow)
    newer = exists().where(
        later.assignment == AttemptRow.assignment,
        later.student == AttemptRow.student,
        later.seq > AttemptRow.seq,
        later.outcome != Outcome.SANDBOX_UNAVAILABLE.value,
    )
    query = (
        select(AttemptRow.assignment, AttemptRow.student)
        .where(AttemptRow.outcome != Outcome.SANDBOX_UNAVAILABLE.value, ~newer)
        .where(exists().where(VerdictRow.attempt == AttemptRow.seq))
        .where(~exists().where(AnswerRow.attempt == AttemptRow.seq))
    )
    if assignment is not None:
        query = query.where(AttemptRow.assignment == assignment)
    return sorted((row.assignment, row.student) for row in session.execute(query))
