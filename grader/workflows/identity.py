"""Who acts, whom they mean, and names that tell nobody who a student is."""

from __future__ import annotations

import getpass
import hashlib
import hmac
from collections.abc import Iterable

from sqlalchemy.orm import Session

from grader.intake.identity import normalise_id
from grader.store.models import LedgerRow

__all__ = ["actor", "normalise_id", "pseudonym", "pseudonym_key", "real_names"]


def actor(named: str | None) -> str:
    """Who is written into the history: as named, else the login name."""
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def pseudonym_key(session: Session) -> bytes:
    """A key of this database's own: nobody without the database can try names against pseudonyms."""
    first = session.get(LedgerRow, 1)
    return (first.digest if first else "").encode()


def pseudonym(key: bytes, student: str) -> str:
    """A name for a student that stays the same and gives nothing away."""
    digest = hmac.digest(key, student.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"anon-{digest.hex()[:8]}"


def real_names(session: Session, known: Iterable[str], names: Iterable[str]) -> list[str]:
    """Ids as they are stored, from ids or pseudonyms as a person typed them."""
    key = pseudonym_key(session)
    by_pseudonym = {pseudonym(key, student): student for student in known}
    return [by_pseudonym.get(name) or normalise_id(name) for name in names]
