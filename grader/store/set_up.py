"""Which assignments were set up, whether anybody handed in to them or not."""

from __future__ import annotations

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from grader.store.group_tables import GroupRow
from grader.store.retention import kept_retention
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow, ShareRow

__all__ = ["assignments"]

_TABLES = (DatesRow, ExtensionRow, ExcuseRow, ShareRow, GroupRow)
_NAMED = union(*(select(table.assignment) for table in _TABLES))


def assignments(session: Session) -> set[str]:
    """Those with dates, extensions, excuses, shares, groups or days to keep files for of their own."""
    return {*session.scalars(_NAMED), *kept_retention(session).of}
