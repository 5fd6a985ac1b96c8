"""All that ever happened to a student's work, row by row with its seal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import BindParameter, Select, Text, bindparam, exists, select, type_coerce
from sqlalchemy.orm import Session

from grader.store.allowances import ExcuseRecord, ExtensionRecord
from grader.store.drops import DropRecord
from grader.store.flags import FlagRecord
from grader.store.hand_ins import HandInRecord
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.models import (
    AttemptRow,
    BulkMarkRow,
    DropRow,
    Entry,
    FlagRow,
    HandInRow,
    LedgerRow,
    MarkRow,
    ReleaseRow,
    RemarkActionRow,
    RemarkRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.pauses import QueueOrder
from grader.store.queue_tables import QueueOrderRow
from grader.store.records import AttemptRecord, Record, Seal, SubmissionRecord, VerdictRecord
from grader.store.releases import ReleaseRecord
from grader.store.remarks import RemarkRecord, StepRecord
from grader.store.setup_tables import ExcuseRow, ExtensionRow
from grader.store.types import Mention

__all__ = ["TimelineEntry", "of_work"]


@dataclass(frozen=True)
class TimelineEntry:
    """What one row of the history says, and its seal."""

    seal: Seal
    record: Record


#: What stands in the tables of a student's work.
_RECORDS: dict[type[Entry], type[Record]] = {
    SubmissionRow: SubmissionRecord,
    HandInRow: HandInRecord,
    AttemptRow: AttemptRecord,
    VerdictRow: VerdictRecord,
    MarkRow: MarkRecord,
    BulkMarkRow: BulkMarkRecord,
    FlagRow: FlagRecord,
    RemarkRow: RemarkRecord,
    RemarkActionRow: StepRecord,
    DropRow: DropRecord,
    ReleaseRow: ReleaseRecord,
    ExtensionRow: ExtensionRecord,
    ExcuseRow: ExcuseRecord,
    QueueOrderRow: QueueOrder,
}


def of_work(session: Session, student: str, assignment: str) -> list[TimelineEntry]:
    """What happened to a student's work on an assignment, oldest first."""
    asked = {"student": student, "assignment": assignment, "mentioned": student}
    said = session.execute(_SAYING, asked).one()
    speaking = {table for table, says in zip(_MAY_SAY, said, strict=True) if says}
    entries = [
        TimelineEntry(Seal.of(seal), _RECORDS[type(row)].of(row))
        for told_by, query in _ABOUT
        if told_by in speaking
        for seal, row in session.execute(query, asked)
    ]
    entries = [entry for entry in entries if _is_about(entry.record, student)]
    return sorted(entries, key=lambda entry: entry.seal.seq)


def _is_about(record: Record, student: str) -> bool:
    """A decision about many is looked for by text, which may find others as well."""
    return not isinstance(record, BulkMarkRecord) or student in {each.student for each in record.about}


def _sealed(table: type[Entry]) -> Select[LedgerRow, Entry]:
    return select(LedgerRow, table).join(table, table.seq == LedgerRow.seq)


_STUDENT: BindParameter[str] = bindparam("student")
_ASSIGNMENT: BindParameter[str] = bindparam("assignment")
_OWN = (
    SubmissionRow, HandInRow, AttemptRow, MarkRow, RemarkRow, DropRow, FlagRow, ExtensionRow, ExcuseRow,
    QueueOrderRow,
)  # fmt: skip


def _about() -> Iterator[tuple[type[Entry], Select[LedgerRow, Entry]]]:
    """Queries for seals and rows of a student's work, each with the table that has to speak of it first."""
    own = {"student": _STUDENT, "assignment": _ASSIGNMENT}
    attempts, requests = (select(table.seq).filter_by(**own) for table in (AttemptRow, RemarkRow))
    for table in _OWN:
        yield table, _sealed(table).where(table.student == _STUDENT, table.assignment == _ASSIGNMENT)
    about = type_coerce(BulkMarkRow.about, Text())
    mentioned = about.like(bindparam("mentioned", type_=Mention()), escape="/")
    yield BulkMarkRow, _sealed(BulkMarkRow).where(BulkMarkRow.assignment == _ASSIGNMENT, mentioned)
    yield AttemptRow, _sealed(VerdictRow).where(VerdictRow.attempt.in_(attempts))
    yield RemarkRow, _sealed(RemarkActionRow).where(RemarkActionRow.request.in_(requests))
    yield RemarkRow, _sealed(ReleaseRow).where(ReleaseRow.request.in_(requests))


# Made once: to put statements together takes longer than to ask them.
_ABOUT = tuple(_about())
#: Of most works few tables say anything, and all are asked at once which do.
_MAY_SAY: tuple[type[Entry], ...] = (*_OWN, BulkMarkRow)
_SAYING = select(
    *(exists().where(table.student == _STUDENT, table.assignment == _ASSIGNMENT) for table in _OWN),
    exists().where(BulkMarkRow.assignment == _ASSIGNMENT),
)
