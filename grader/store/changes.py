"""Whose work the newest rows of the history concern, so that what was worked out before need not be again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from grader.store.group_tables import GroupFileRow
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

#: Beyond so many new rows it is not looked at of which kinds they are.
_LOOKED_AT = 300
_OWN = (SubmissionRow, AttemptRow, MarkRow, FlagRow, RemarkRow, DropRow, ExtensionRow, ExcuseRow)

# Made once: to put a statement together takes longer than to ask it.
_NEWEST = select(func.max(LedgerRow.seq))
_KINDS = (
    select(LedgerRow.kind).where(LedgerRow.seq > bindparam("seq")).order_by(LedgerRow.seq).limit(_LOOKED_AT)
)
_ERASED = select(exists().where(ErasureRow.seq > bindparam("seq")))
_DATED = select(
    exists().where(DatesRow.seq > bindparam("seq"), DatesRow.assignment == bindparam("assignment"))
)
_SEVERAL = select(BulkMarkRow).where(
    BulkMarkRow.seq > bindparam("seq"), BulkMarkRow.assignment == bindparam("assignment")
)
_SHARED = select(GroupFileRow.members).where(
    GroupFileRow.seq > bindparam("seq"), GroupFileRow.assignment == bindparam("assignment")
)


def _touched() -> Mapping[str, Select[str]]:
    """By the kind of a row whose work on an assignment such rows after a number concern."""
    found: dict[str, Select[str]] = {
        row.__tablename__: select(row.__table__.c.student).where(
            row.seq > bindparam("seq"), row.assignment == bindparam("assignment")
        )
        for row in _OWN
    }
    found[VerdictRow.__tablename__] = (
        select(AttemptRow.student)
        .join(VerdictRow, VerdictRow.attempt == AttemptRow.seq)
        .where(VerdictRow.seq > bindparam("seq"), AttemptRow.assignment == bindparam("assignment"))
    )
    found[RemarkActionRow.__tablename__] = (
        select(RemarkRow.student)
        .join(RemarkActionRow, RemarkActionRow.request == RemarkRow.seq)
        .where(RemarkActionRow.seq > bindparam("seq"), RemarkRow.assignment == bindparam("assignment"))
    )
    return found


_TOUCHED = _touched()
_MATTERS = frozenset(_TOUCHED) | {
    row.__tablename__ for row in (ErasureRow, DatesRow, BulkMarkRow, GroupFileRow)
}


def newest_row(session: Session) -> int:
    """The number of the newest row of all; 0 for none."""
    return of_change(session, "newest row", lambda: session.connection().scalar(_NEWEST) or 0)


def several_since(session: Session, seq: int) -> bool:
    """Whether rows after this one may be decisions about several works, of whatever assignment."""
    return BulkMarkRow.__tablename__ in _kinds_since(session, seq)


def _kinds_since(session: Session, seq: int) -> frozenset[str]:
    """Of which kinds rows after this one may be: after a key of points it is a mark, and nothing else."""

    def ask() -> frozenset[str]:
        kinds = session.connection().scalars(_KINDS, {"seq": seq}).all()
        return _MATTERS if len(kinds) == _LOOKED_AT else frozenset(kinds)

    return of_change(session, ("kinds", seq), ask)


def students_since(session: Session, assignment: str, seq: int) -> set[str] | None:
    """Whose work on an assignment rows after this one concern; None where that may be everybody's."""
    return of_change(session, ("students", assignment, seq), lambda: _since(session, assignment, seq))


def _since(session: Session, assignment: str, seq: int) -> set[str] | None:
    kinds, since = _kinds_since(session, seq), {"seq": seq, "assignment": assignment}
    if ErasureRow.__tablename__ in kinds and session.scalar(_ERASED, since):
        return None
    if DatesRow.__tablename__ in kinds and session.scalar(_DATED, since):
        return None
    found: set[str] = set()
    for kind in kinds & _TOUCHED.keys():
        found.update(session.connection().scalars(_TOUCHED[kind], since))
    if BulkMarkRow.__tablename__ in kinds:
        for row in session.scalars(_SEVERAL, since):
            found.update(each.student for each in BulkMarkRecord.of(row).about)
    if GroupFileRow.__tablename__ in kinds:
        for members in session.scalars(_SHARED, since):
            found.update(members)
    return found
