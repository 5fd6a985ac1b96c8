"""All that ever happened to a student's work, row by row with its seal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, select
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


def of_work(
    session: Session, student: str, assignment: str, of: Collection[type[Record]] = ()
) -> list[TimelineEntry]:
    """What happened to a student's work on an assignment, oldest first; see `History.timeline`."""
    asked = {"student": student, "assignment": assignment}
    entries = [
        TimelineEntry(_seal(row), _RECORDS[table].of(row))
        for table, query in _about(student, silent_about(session, assignment, [student]))
        if not of or _RECORDS[table] in of
        for row in session.execute(query, asked)
    ]
    entries = [entry for entry in entries if _is_about(entry.record, student)]
    return sorted(entries, key=lambda entry: entry.seal.seq)


def _sealed(table: type[Entry]) -> Select[*tuple[Any, ...]]:
    """Rows of a table, each with its seal: columns, as objects of rows cost more and nobody changes them."""
    seals = (getattr(LedgerRow, name).label(f"{_SEALED}{name}") for name in Seal.__dataclass_fields__)
    own = (getattr(table, name) for name in _RECORDS[table].__dataclass_fields__)
    return select(*own, *seals).join(LedgerRow, LedgerRow.seq == table.seq)


#: Begins the names of a seal's columns beside those of its row.
_SEALED = "sealed_"
_BY: tuple[BindParameter[str], BindParameter[str]] = (bindparam("student"), bindparam("assignment"))
_OWN = (
    SubmissionRow, HandInRow, AttemptRow, MarkRow, RemarkRow, DropRow, FlagRow, ExtensionRow, ExcuseRow,
    QueueOrderRow,
)  # fmt: skip
_ATTEMPTS = select(AttemptRow.seq).where(AttemptRow.student == _BY[0], AttemptRow.assignment == _BY[1])
_REQUESTS = select(RemarkRow.seq).where(RemarkRow.student == _BY[0], RemarkRow.assignment == _BY[1])
# Made once: each look at a work asks them, and to put one together takes longer than to ask it.
_THEIRS: dict[type[Entry], Select[*tuple[Any, ...]]] = {
    table: _sealed(table).where(table.student == _BY[0], table.assignment == _BY[1]) for table in _OWN
}
_BULK = _sealed(BulkMarkRow).where(BulkMarkRow.assignment == _BY[1])
_VERDICTS = _sealed(VerdictRow).where(VerdictRow.attempt.in_(_ATTEMPTS))
_STEPS: dict[type[Entry], Select[*tuple[Any, ...]]] = {
    table: _sealed(table).where(table.request.in_(_REQUESTS)) for table in (RemarkActionRow, ReleaseRow)
}


def _about(student: str, silent: Set[type[Base]]) -> Iterator[tuple[type[Entry], Select[*tuple[Any, ...]]]]:
    """Queries for seals and rows of a student's work, one for each table that says anything of it."""
    yield from ((table, query) for table, query in _THEIRS.items() if table not in silent)
    if BulkMarkRow not in silent:
        yield BulkMarkRow, _BULK.where(mentions([student]))
    yield VerdictRow, _VERDICTS
    if RemarkRow not in silent:
        yield from _STEPS.items()


def _seal(row: Row[*tuple[Any, ...]]) -> Seal:
    return Seal(**{name: getattr(row, f"{_SEALED}{name}") for name in Seal.__dataclass_fields__})


def _is_about(record: Record, student: str) -> bool:
    """A decision about many is looked for by text, which may find others as well."""
    return not isinstance(record, BulkMarkRecord) or student in {each.student for each in record.about}
