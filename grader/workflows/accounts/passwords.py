"""Passwords: what may be one, how it is kept, and whether one is right. Needs the extra ``web``."""

from __future__ import annotations

import threading
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from grader.errors import SetUpError, UsageError

if TYPE_CHECKING:
    from pwdlib import PasswordHash

__all__ = ["LONGEST", "SHORTEST", "hash_password", "is_right", "require_good"]

#: In characters.
SHORTEST = 10
LONGEST = 200
#: Each takes 64 MiB while it is worked out: whoever sends many does not take all of the memory.
_AT_ONCE = threading.BoundedSemaphore(2)


def require_good(password: str, login: str) -> None:
    """Lets only a password pass that is not soon guessed.

    Length counts, and nothing is asked of its characters.
    Source: NIST SP 800-63B-4, 3.1.1.2

    Raises:
        UsageError: It is too short, too long, or the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            "this password is too short" if len(password) < SHORTEST else "this password is too long",
            expected=f"{SHORTEST} to {LONGEST} characters; some words in a row will do",
        )
    if len(set(password)) < 4 or _plain(login) in _plain(password):
        raise UsageError(
            "this password is easily guessed",
            expected="not the name, nor the same few characters again and again",
        )


def hash_password(password: str) -> str:
    """How it is kept: argon2id with a salt of its own."""
    with _AT_ONCE:
        return _hasher().hash(_normal(password))


def is_right(password: str, hashed: str) -> tuple[bool, str | None]:
    """Whether this is the password.

    Where there is none it takes the same time to say no.

    Args:
        password: As typed.
        hashed: As kept; empty where there is none.

    Returns:
        That, and how to keep it from now on, where what is kept is weaker than what is usual now.
    """
    known = hashed if len(password) <= LONGEST else ""
    with _AT_ONCE:
        right, newer = _hasher().verify_and_update(_normal(password[:LONGEST]), known or _nobodys())
    return (right, newer) if known else (False, None)


def _plain(text: str) -> str:
    return _normal(text).casefold()


def _normal(password: str) -> str:
    """One way of writing, whatever keyboard it comes from; what is no text at all is no password."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    try:
        from pwdlib import PasswordHash
    except ModuleNotFoundError as error:
        raise SetUpError(
            "passwords need packages that are not installed",
            found=str(error),
            todo="pip install 'grader[web]'",
        ) from error
    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """Of a password that nobody knows."""
    import secrets

    return _hasher().hash(secrets.token_urlsafe(32))
