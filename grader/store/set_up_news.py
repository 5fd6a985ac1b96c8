"""By what whoever keeps the set-up of assignments in mind knows that it is another."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.store.group_tables import GroupRow
from grader.store.models import SettingRow
from grader.store.moments import of_moment
from grader.store.roster import EDITION
from grader.store.setup_tables import ExcuseRow, ExtensionRow, ShareRow

__all__ = ["NewestSetUp", "newest_set_up"]


class NewestSetUp(NamedTuple):
    """The edition of the roster, and the newest rows of the whole course; None where there is none.

    Attributes:
        roster: Another one after each change; None where it never changed since editions are noted.
        share, group, extension, excuse: Numbers of rows.
    """

    roster: str | None
    share: int | None
    group: int | None
    extension: int | None
    excuse: int | None


# Made once: each page of a set-up asks it. The newest row of a table is found without looking at the others.
_NEWEST = select(
    select(SettingRow.value).where(SettingRow.name == EDITION).scalar_subquery(),
    *(
        select(func.max(table.seq)).scalar_subquery()
        for table in (ShareRow, GroupRow, ExtensionRow, ExcuseRow)
    ),
)


def newest_set_up(session: Session) -> NewestSetUp:
    """What is newest of all that a set-up is made of."""
    return of_moment(session, "newest set-up", lambda: NewestSetUp._make(session.execute(_NEWEST).one()))
