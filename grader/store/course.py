"""The course that a database is about: a short name, which stands in addresses, and a title for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.store.account_tables import EnrolmentRow
from grader.store.api_tables import ApiTokenRow
from grader.store.lti_tables import LtiContextRow, PlatformRow, SentScoreRow
from grader.store.models import SettingRow

__all__ = ["COURSE_NAME", "Course", "desk_url", "keep_desk_url", "name_course", "read_course", "take_along"]

#: What a course is called until somebody says it.
COURSE_NAME = "course"

_NAME, _TITLE, _URL = "course_name", "course_title", "desk_url"
#: Where a server listens to which nobody said anything else.
_USUAL_URL = "http://127.0.0.1:8310"
_ALLOWED = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Course:
    """One course, which is one database: a seal, a secret and evidence of its own.

    Attributes:
        name: As in addresses: ``/c/dl-2026``.
        title: As pages call it; the name where nobody gave one.
    """

    name: str
    title: str


def read_course(session: Session) -> Course:
    rows = session.scalars(select(SettingRow).where(SettingRow.name.in_((_NAME, _TITLE))))
    values = {row.name: row.value for row in rows}
    name = values.get(_NAME, COURSE_NAME)
    return Course(name, values.get(_TITLE) or name)


def name_course(session: Session, name: str, title: str) -> None:
    """Makes the database say which course it is about, and takes along whom it knows to be in it.

    Who is enrolled under the new name already stays what they are there.

    Raises:
        UsageError: The name would not stand well in an address.
    """
    take_along(session, read_course(session).name, name)
    session.merge(SettingRow(name=_NAME, value=name))
    if title.strip():
        session.merge(SettingRow(name=_TITLE, value=title.strip()))
    else:
        session.execute(delete(SettingRow).where(SettingRow.name == _TITLE))


def take_along(session: Session, before: str, name: str) -> int:
    """Lets whoever this database knows to be in a course be in it under its new name; again does nothing.

    Who is enrolled under the new name already stays what they are there.

    Returns:
        How many enrolments there were.

    Raises:
        UsageError: The name would not stand well in an address.
    """
    if not _ALLOWED.fullmatch(name):
        raise UsageError(
            "this cannot be the short name of a course, which stands in addresses",
            expected="up to 40 of a-z, 0-9 and -, as dl-2026",
            found=name,
        )
    if before == name:
        return 0
    there = select(EnrolmentRow.account).where(EnrolmentRow.course == name)
    old = EnrolmentRow.course == before
    moving = update(EnrolmentRow).where(old, EnrolmentRow.account.not_in(there)).values(course=name)
    moved = session.scalars(moving.returning(EnrolmentRow.account)).all()
    session.execute(delete(EnrolmentRow).where(old))
    for table in (ApiTokenRow, PlatformRow, LtiContextRow, SentScoreRow):
        session.execute(update(table).where(table.course == before).values(course=name))
    return len(moved)


def desk_url(session: Session) -> str:
    """Where browsers found the server when it was last started, for links to it."""
    row = session.get(SettingRow, _URL)
    return _USUAL_URL if row is None else row.value


def keep_desk_url(session: Session, url: str) -> None:
    session.merge(SettingRow(name=_URL, value=url))
