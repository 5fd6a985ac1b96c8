"""Who acts, whom they mean, and names that tell nobody who a student is."""

from __future__ import annotations

import getpass
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence

from grader.errors import UsageError
from grader.intake.identity import normalise_id
from grader.store import History

__all__ = ["actor", "normalise_id", "pseudonym", "real_names", "shown_as"]


def actor(named: str | None) -> str:
    """Who is written into the history: as named, else the login name."""
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def pseudonym(key: bytes, student: str) -> str:
    """A name for a student that stays the same and gives nothing away.

    Args:
        key: The history's own, so that nobody without it can try names against pseudonyms.
        student: Whose.
    """
    digest = hmac.digest(key, student.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"anon-{digest.hex()[:8]}"


def real_names(history: History, known: Iterable[str], names: Iterable[str]) -> list[str]:
    """Ids as they are stored, from ids or pseudonyms as a person typed them.

    Raises:
        UsageError: A pseudonym stands for several students.
    """
    key = history.own_key()
    meant: dict[str, list[str]] = defaultdict(list)
    for student in known:
        meant[pseudonym(key, student)].append(student)
    return [_one(name, meant.get(name, [])) for name in names]


def _one(name: str, students: Sequence[str]) -> str:
    if len(students) > 1:
        raise UsageError(f"'{name}' stands for {len(students)} students", todo="name the one meant by id")
    return students[0] if students else normalise_id(name)


def shown_as(typed: str, student: str) -> str:
    """How to call a student to whoever typed a name: by pseudonym where that is what was typed."""
    return student if normalise_id(typed) == student else typed
