"""Whose work the newest rows of the history concern, so that what was worked out before need not be again."""

from __future__ import annotations

from sqlalchemy import BindParameter, CompoundSelect, bindparam, func, select, union
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

__all__ = ["newest_row", "students_since"]

_OWN = (SubmissionRow, AttemptRow, MarkRow, FlagRow, RemarkRow, DropRow, ExtensionRow, ExcuseRow)


_NEWEST = select(func.max(LedgerRow.seq))


def newest_row(session: Session) -> int:
    """The number of the newest row of all; 0 for none."""
    return session.scalar(_NEWEST) or 0


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


#: What concerns everybody.
_ERASED = select(ErasureRow.seq).where(ErasureRow.seq > bindparam("seq")).limit(1)
_DATED = (
    select(DatesRow.seq)
    .where(DatesRow.seq > bindparam("seq"), DatesRow.assignment == bindparam("assignment"))
    .limit(1)
)


def students_since(session: Session, assignment: str, seq: int) -> set[str] | None:
    """Whose work on an assignment rows after this one concern; None where that may be everybody's."""
    since = {"seq": seq, "assignment": assignment}
    if session.scalar(_ERASED, {"seq": seq}) is not None or session.scalar(_DATED, since) is not None:
        return None
    found = set(session.scalars(_TOUCHED, since))
    for row in session.scalars(_SEVERAL, since):
        found.update(each.student for each in BulkMarkRecord.of(row).about)
    return found
