"""What only the database knows: made by chance once, kept in it, and derived from nothing that is shown."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from grader.errors import StoreError
from grader.store.models import SecretRow

__all__ = ["link_key", "pseudonym_key"]

_PSEUDONYMS = "pseudonyms"
_LINKS = "links"


# Made once: each page of whoever grades blind asks it.
_VALUE = select(SecretRow.value).where(SecretRow.name == bindparam("name"))


def pseudonym_key(session: Session) -> bytes:
    """The key under which students have their pseudonyms; 64 hex digits.

    Raises:
        StoreError: Somebody took it out of the database.
    """
    return _secret(session, _PSEUDONYMS, "the key of the pseudonyms")


def link_key(session: Session) -> bytes:
    """The key that signs links to hand in by; another in its place ends all that were given out.

    Raises:
        StoreError: Somebody took it out of the database.
    """
    return _secret(session, _LINKS, "the key of the links to hand in by")


def _secret(session: Session, name: str, called: str) -> bytes:
    value = session.scalar(_VALUE, {"name": name})
    if value is None:
        raise StoreError(
            f"{called} is gone from the database",
            where="the table secrets",
            expected=f"a row '{name}'",
            todo="put a backup in its place; the marks themselves are not concerned",
        )
    return value.encode()
