"""Dates that the course changed, extensions and excuses: written, and read as they stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from grader.grading.late import Dates
from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import LedgerRow
from grader.store.records import Record
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow
from grader.store.unchanged import of_change

__all__ = [
    "DatesRecord",
    "DatesSet",
    "Excuse",
    "ExcuseRecord",
    "Extension",
    "ExtensionRecord",
    "dates_of",
    "record_dates",
    "record_excuse",
    "record_extension",
    "standing_excuses",
    "standing_extensions",
]


@dataclass(frozen=True, kw_only=True)
class DatesRecord(Record):
    """Dates that hold in place of the rubric's; None where the rubric's holds."""

    assignment: str
    due: datetime | None
    until: datetime | None
    remarks_from: datetime | None
    remarks_until: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExtensionRecord(Record):
    """Until when one student may hand in; None takes it back."""

    student: str
    assignment: str
    until: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExcuseRecord(Record):
    """That a student owes no work; where not `excused`, again."""

    student: str
    assignment: str
    excused: bool
    reason: str


@dataclass(frozen=True)
class DatesSet:
    """Dates that hold, with who set them, when (UTC) and why."""

    dates: Dates
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Extension:
    """A date of a student's own, with who gave it, when (UTC) and why."""

    until: datetime
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Excuse:
    """Who excused a student, when (UTC) and why."""

    by: str
    at: datetime
    reason: str


def record_dates(session: Session, dates: DatesRecord, signature: Signature) -> None:
    ledger.append(session, DatesRow(**_in_utc(dates)), signature)


def record_extension(session: Session, extension: ExtensionRecord, signature: Signature) -> None:
    ledger.append(session, ExtensionRow(**_in_utc(extension)), signature)


def _in_utc(record: Record) -> dict[str, Any]:
    """As whoever reads the row later finds it, so that the standing written now is the one read then."""
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in record.columns.items()
    }


def record_excuse(session: Session, excuse: ExcuseRecord, signature: Signature) -> None:
    ledger.append(session, ExcuseRow(**excuse.columns), signature)


def dates_of(session: Session, assignment: str) -> DatesSet | None:
    """What the course set in place of the rubric's dates; None where it set nothing."""
    return of_change(session, ("dates", assignment), lambda: _dates_of(session, assignment))


def _dates_of(session: Session, assignment: str) -> DatesSet | None:
    query = (
        select(DatesRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == DatesRow.seq)
        .where(DatesRow.assignment == assignment)
        .order_by(DatesRow.seq.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    row, seal = found
    dates = Dates(row.due, row.until, row.remarks_from, row.remarks_until)
    return DatesSet(dates, seal.actor, seal.at, row.reason) if any(dates) else None


def standing_extensions(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], Extension]:
    """Extensions that hold, by assignment and student."""
    newest = _newest(ExtensionRow, assignment, students)
    query = (
        select(ExtensionRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == ExtensionRow.seq)
        .where(ExtensionRow.seq.in_(newest))
    )
    return {
        (row.assignment, row.student): Extension(row.until, seal.actor, seal.at, row.reason)
        for row, seal in session.execute(query)
        if row.until is not None
    }


def standing_excuses(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], Excuse]:
    """Who is excused now, by assignment and student, whether they handed in anything or not."""
    newest = _newest(ExcuseRow, assignment, students)
    query = (
        select(ExcuseRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == ExcuseRow.seq)
        .where(ExcuseRow.seq.in_(newest))
    )
    return {
        (row.assignment, row.student): Excuse(seal.actor, seal.at, row.reason)
        for row, seal in session.execute(query)
        if row.excused
    }


def _newest(
    table: type[ExtensionRow] | type[ExcuseRow], assignment: str | None, students: Collection[str]
) -> Select[int]:
    query = select(func.max(table.seq)).group_by(table.assignment, table.student)
    if assignment is not None:
        query = query.where(table.assignment == assignment)
    return query.where(table.student.in_(students)) if students else query
