"""Who is who in the course, as the roster says: names that change and can be erased, unsealed."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from grader.store.desk_tables import RosterKeyRow, RosterRow
from grader.store.models import SettingRow
from grader.store.records import Record
from grader.store.unchanged import of_change

__all__ = [
    "EDITION",
    "PersonRecord",
    "everybody",
    "found_by",
    "names_by",
    "new_edition",
    "number_of_people",
    "people_on",
    "replace_roster",
]

_BATCH = 500
#: The setting that is another after each change of the roster, by which whoever keeps it in mind knows.
EDITION = "roster"
#: Who goes by so many keys is held as long as nobody writes.
_FEW = 8


@dataclass(frozen=True, kw_only=True)
class PersonRecord(Record):
    """A student of the course; empty where the roster does not say."""

    student: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    section: str = ""
    number: str = ""
    login: str = ""
    canvas_id: str = ""


def replace_roster(session: Session, people: Sequence[tuple[PersonRecord, Collection[str]]]) -> None:
    """Puts a roster in place of the one before.

    Args:
        session: To write in.
        people: Each with the keys by which they are found.
    """
    session.execute(delete(RosterKeyRow))
    session.execute(delete(RosterRow))
    for id, (person, keys) in enumerate(people, start=1):
        session.add(RosterRow(**person.columns, id=id))
        session.flush()
        session.add_all(RosterKeyRow(key=key, person=id) for key in sorted(set(keys)))
    new_edition(session)


def new_edition(session: Session) -> None:
    """Notes that the roster is another than before, in the transaction that changes it."""
    session.merge(SettingRow(name=EDITION, value=secrets.token_hex(8)))
    session.flush()


def everybody(session: Session) -> list[PersonRecord]:
    """The whole roster, in its own order."""
    return [PersonRecord.of(row) for row in session.scalars(select(RosterRow).order_by(RosterRow.id))]


def number_of_people(session: Session) -> int:
    """How many there are on the roster."""
    return of_change(session, ("people on the roster",), lambda: session.connection().scalar(_SIZE) or 0)


def people_on(session: Session, *, start: int, size: int) -> list[PersonRecord]:
    """So many people of the roster in its own order, from a place on."""
    rows = session.connection().execute(_PEOPLE_ON, {"start": start, "size": size})
    return [PersonRecord(**dict(zip(_PERSON, row, strict=True))) for row in rows.all()]


def found_by(session: Session, keys: Collection[str]) -> Mapping[str, list[PersonRecord]]:
    """Who goes by each of these keys; a key that nobody goes by is absent."""
    listed = sorted(keys)
    if len(listed) > _FEW:
        return _found_by(session, listed)
    return of_change(session, ("people", *listed), lambda: _found_by(session, listed))


def names_by(session: Session, keys: Collection[str]) -> Mapping[str, set[str]]:
    """The names of who goes by each of these keys; a key that nobody goes by is absent."""
    listed = sorted(keys)
    if len(listed) > _FEW:
        return _names_by(session, listed)
    return of_change(session, ("names", *listed), lambda: _names_by(session, listed))


def _names_by(session: Session, listed: Sequence[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for first in range(0, len(listed), _BATCH):
        rows = session.connection().execute(_NAMES_BY, {"keys": listed[first : first + _BATCH]})
        for key, name in rows.all():
            found.setdefault(key, set()).add(name)
    return found


def _found_by(session: Session, listed: Sequence[str]) -> Mapping[str, list[PersonRecord]]:
    found: dict[str, list[PersonRecord]] = defaultdict(list)
    for first in range(0, len(listed), _BATCH):
        rows = session.connection().execute(_FOUND_BY, {"keys": listed[first : first + _BATCH]})
        for row in rows:
            found[row.key].append(PersonRecord.of(row))
    return found


_PERSON = tuple(PersonRecord.__dataclass_fields__)
_SIZE = select(func.count()).select_from(RosterRow.__table__)
_PEOPLE_ON = (
    select(*(RosterRow.__table__.c[name] for name in _PERSON))
    .order_by(RosterRow.__table__.c.id)
    .offset(bindparam("start"))
    .limit(bindparam("size"))
)
# Made once, and of columns: most pages of staff ask it, and to put it together takes longer than to ask.
_FOUND_BY = (
    select(RosterKeyRow.__table__.c.key, *RosterRow.__table__.c)
    .join(RosterRow.__table__, RosterRow.__table__.c.id == RosterKeyRow.__table__.c.person)
    .where(RosterKeyRow.__table__.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(RosterRow.__table__.c.id)
)
_NAMES_BY = (
    select(RosterKeyRow.__table__.c.key, RosterRow.__table__.c.name)
    .join(RosterRow.__table__, RosterRow.__table__.c.id == RosterKeyRow.__table__.c.person)
    .where(RosterKeyRow.__table__.c.key.in_(bindparam("keys", expanding=True)))
)
