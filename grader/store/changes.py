"""Whose work the newest rows of the history concern, so that what was worked out before need not be again."""

from __future__ import annotations

from sqlalchemy import BindParameter, CompoundSelect, bindparam, exists, func, select, union
from sqlalchemy.orm import Session

from grader.store.marks import BulkMarkRecord
from grader.store.models import (
    AttemptRow,
    BulkMarkRow,
    DropRow,
    ErasureRow,
    FlagRow,
    LedgerRow,
    MarkRow,
    RemarkActionRow,
    RemarkRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow
from grader.store.unchanged import of_change

__all__ = ["newest_row", "several_since", "students_since"]

_OWN = (SubmissionRow, AttemptRow, MarkRow, FlagRow, RemarkRow, DropRow, ExtensionRow, ExcuseRow)


_NEWEST = select(func.max(LedgerRow.seq))


def newest_row(session: Session) -> int:
    """The number of the newest row of all; 0 for none."""
    return of_change(session, "newest row", lambda: session.scalar(_NEWEST) or 0)


def _touched() -> CompoundSelect[str]:
    """Whose work on an assignment rows after a number concern, but for decisions about several."""
    seq: BindParameter[int] = bindparam("seq")
    assignment: BindParameter[str] = bindparam("assignment")
    own = (select(row.__table__.c.student).where(row.seq > seq, row.assignment == assignment) for row in _OWN)
    judged = (
        select(AttemptRow.student)
        .join(VerdictRow, VerdictRow.attempt == AttemptRow.seq)
        .where(VerdictRow.seq > seq, AttemptRow.assignment == assignment)
    )
    stepped = (
        select(RemarkRow.student)
        .join(RemarkActionRow, RemarkActionRow.request == RemarkRow.seq)
        .where(RemarkActionRow.seq > seq, RemarkRow.assignment == assignment)
    )
    return union(*own, judged, stepped)


# Made once: to put it together takes longer than to ask it.
_TOUCHED = _touched()
_SEVERAL = select(BulkMarkRow).where(
    BulkMarkRow.seq > bindparam("seq"), BulkMarkRow.assignment == bindparam("assignment")
)


#: What concerns everybody, and whether anything is about several works.
_ALL = select(
    exists().where(ErasureRow.seq > bindparam("seq")),
    exists().where(DatesRow.seq > bindparam("seq"), DatesRow.assignment == bindparam("assignment")),
    exists().where(BulkMarkRow.seq > bindparam("seq"), BulkMarkRow.assignment == bindparam("assignment")),
)


def several_since(session: Session, assignment: str, seq: int) -> bool:
    """Whether a row after this one is a decision about several works of an assignment."""
    return _of_all(session, assignment, seq)[2]


def _of_all(session: Session, assignment: str, seq: int) -> tuple[bool, bool, bool]:
    """Whether somebody was erased since, whether dates were set, whether several were decided at once."""

    def ask() -> tuple[bool, bool, bool]:
        erased, dated, several = session.execute(_ALL, {"seq": seq, "assignment": assignment}).one()
        return bool(erased), bool(dated), bool(several)

    return of_change(session, ("all", assignment, seq), ask)


def students_since(session: Session, assignment: str, seq: int) -> set[str] | None:
    """Whose work on an assignment rows after this one concern; None where that may be everybody's."""
    return of_change(session, ("students", assignment, seq), lambda: _since(session, assignment, seq))


def _since(session: Session, assignment: str, seq: int) -> set[str] | None:
    since = {"seq": seq, "assignment": assignment}
    erased, dated, _ = _of_all(session, assignment, seq)
    if erased or dated:
        return None
    found = set(session.scalars(_TOUCHED, since))
    for row in session.scalars(_SEVERAL, since) if several_since(session, assignment, seq) else ():
        found.update(each.student for each in BulkMarkRecord.of(row).about)
    return found
