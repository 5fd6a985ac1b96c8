"""The course's time zone: in the database, so that all who use it tell the same times."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.errors import StoreError, UsageError
from grader.rubric.problems import nearest
from grader.store.models import SettingRow
from grader.store.unchanged import of_change

__all__ = ["keep_zone", "kept_zone", "zone_called"]

_NAME = "time_zone"
_KEPT = select(SettingRow.value).where(SettingRow.name == _NAME)


# Where it looks, lists of all zones are read from the disk.
@lru_cache(maxsize=16)
def zone_called(name: str) -> ZoneInfo:
    """The zone of an IANA name, as Europe/Berlin.

    Raises:
        UsageError: There is no such zone; names the nearest.
    """
    known = available_timezones()
    if name not in known:
        raise UsageError(
            f"no time zone is called '{name}'{nearest(name, known).partition('; known')[0]}",
            expected="a name of the IANA list, as Europe/Berlin or America/Toronto",
        )
    return ZoneInfo(name)


def kept_zone(session: Session) -> ZoneInfo | None:
    """The zone that the database names; None where nobody has named one.

    Raises:
        StoreError: What is kept is no zone that this machine knows.
    """
    name = of_change(session, _NAME, lambda: session.scalar(_KEPT))
    if name is None:
        return None
    try:
        return zone_called(name)
    except UsageError as error:
        raise StoreError(
            "the course's time zone cannot be read",
            where=f"settings, {_NAME}",
            expected=error.expected,
            found=name,
            todo="name it again: grader db zone Europe/Berlin",
        ) from error


def keep_zone(session: Session, name: str | None) -> None:
    """Makes the database name this zone; None takes it out again. Only within a writing transaction."""
    row = session.get(SettingRow, _NAME)
    if name is not None:
        session.merge(SettingRow(name=_NAME, value=zone_called(name).key))
    elif row is not None:
        session.delete(row)
    session.flush()
