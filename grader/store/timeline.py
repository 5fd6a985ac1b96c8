"""All that ever happened to a student's work, row by row with its seal."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from grader.store.allowances import ExcuseRecord, ExtensionRecord
from grader.store.drops import DropRecord
from grader.store.flags import FlagRecord
from grader.store.hand_ins import HandInRecord
from grader.store.marks import BulkMarkRecord, MarkRecord, mentions
from grader.store.models import (
    AttemptRow,
    Base,
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
from grader.store.silence import silent_about

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
    entries = [
        TimelineEntry(Seal.of(seal), _RECORDS[type(row)].of(row))
        for query in _about(student, assignment, silent_about(session, assignment, [student]))
        for seal, row in session.execute(query)
    ]
    entries = [entry for entry in entries if _is_about(entry.record, student)]
    return sorted(entries, key=lambda entry: entry.seal.seq)


def _about(student: str, assignment: str, silent: Set[type[Base]]) -> Iterator[Select[LedgerRow, Entry]]:
    """Queries for seals and rows of a student's work, one for each table that says anything of it."""
    attempts = select(AttemptRow.seq).filter_by(student=student, assignment=assignment)
    requests = select(RemarkRow.seq).filter_by(student=student, assignment=assignment)
    own = (
        SubmissionRow, HandInRow, AttemptRow, MarkRow, RemarkRow, DropRow, FlagRow, ExtensionRow, ExcuseRow,
        QueueOrderRow,
    )  # fmt: skip
    for table in own:
        if table not in silent:
            yield _sealed(table).where(table.student == student, table.assignment == assignment)
    if BulkMarkRow not in silent:
        yield _sealed(BulkMarkRow).where(BulkMarkRow.assignment == assignment, mentions([student]))
    yield _sealed(VerdictRow).where(VerdictRow.attempt.in_(attempts))
    if RemarkRow not in silent:
        yield _sealed(RemarkActionRow).where(RemarkActionRow.request.in_(requests))
        yield _sealed(ReleaseRow).where(ReleaseRow.request.in_(requests))


def _is_about(record: Record, student: str) -> bool:
    """A decision about many is looked for by text, which may find others as well."""
    return not isinstance(record, BulkMarkRecord) or student in {each.student for each in record.about}


def _sealed(table: type[Entry]) -> Select[LedgerRow, Entry]:
    return select(LedgerRow, table).join(table, table.seq == LedgerRow.seq)
