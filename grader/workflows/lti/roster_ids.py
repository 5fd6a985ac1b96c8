"""Whom of the roster a platform means: by ids that it vouches for, else by e-mail address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grader.intake.roster import keys_typed
from grader.store import Store
from grader.store.roster import PersonRecord

__all__ = ["Ids", "Meant", "ids_in", "meant_by"]

#: Custom fields that `grader lti show` asks platforms to send, and what they stand for in a roster.
_CUSTOM = {"number": "number", "login": "login", "canvas_id": "canvas_id"}


@dataclass(frozen=True, kw_only=True)
class Ids:
    """What a platform tells of a person; empty where it does not."""

    number: str = ""
    login: str = ""
    canvas_id: str = ""
    email: str = ""

    @property
    def firm(self) -> tuple[str, ...]:
        """Those that people do not choose for themselves."""
        return tuple(dict.fromkeys(filter(None, (self.number, self.login, self.canvas_id))))


@dataclass(frozen=True)
class Meant:
    """Who of the roster goes by what a platform tells.

    Attributes:
        people: One, or several where it is in doubt; nobody where none does.
        by_email: Whether nothing but the address told.
    """

    people: tuple[PersonRecord, ...]
    by_email: bool = False


def ids_in(
    lis: Mapping[str, Any] | None,
    ext: Mapping[str, Any] | None,
    custom: Mapping[str, Any] | None,
    email: str | None,
) -> Ids:
    """Ids by where platforms put them.

    Args:
        lis: The claim with the number that the institution has for somebody.
        ext: Moodle's own claim, with the login.
        custom: Fields that were asked for; a name that the platform did not replace begins with ``$``.
        email: The address, if any.
    """
    told = {ours: _text(custom, theirs) for ours, theirs in _CUSTOM.items()}
    return Ids(
        number=_text(lis, "person_sourcedid") or told["number"],
        login=_text(ext, "user_username") or told["login"],
        canvas_id=told["canvas_id"],
        email=(email or "").strip().casefold(),
    )


def _text(claims: Mapping[str, Any] | None, name: str) -> str:
    value = (claims or {}).get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) and not value.startswith("$") else ""


def meant_by(store: Store, ids: Ids) -> Meant:
    """Who of the course's roster is meant."""
    found = _found(store, ids.firm)
    if found or not ids.email:
        return Meant(found)
    # The part before the @ alone is an id in rosters, and would be somebody else's at another address.
    whole = tuple(each for each in _found(store, [ids.email]) if each.email.casefold() == ids.email)
    return Meant(whole, by_email=True)


def _found(store: Store, ids: Iterable[str]) -> tuple[PersonRecord, ...]:
    keys = {key for id in ids for key in keys_typed(id) if key.startswith("id ")}
    with store.reading() as history:
        people = history.people_by(keys)
    each = {person.student: person for found in people.values() for person in found}
    return tuple(each.values())
