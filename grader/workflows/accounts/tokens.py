"""Tokens by which programs use the API: made for an account, for some scopes and maybe one course."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from grader.errors import UsageError
from grader.store import Store
from grader.store.api_tokens import TokenRecord
from grader.workflows.accounts.people import account_of

__all__ = ["MadeToken", "Scope", "make_token", "read_until", "revoke_token", "scopes_named", "tokens"]

_NAME = re.compile(r"[\w.@+-]{1,64}")
#: Before each secret, so that whoever finds one in a file or a log knows what it is.
_PREFIX = "grader_"


class Scope(StrEnum):
    """What a token is for; what its account may do bounds it all the same."""

    READ = "read"
    MARK = "mark"
    REMARK = "remark"
    RUBRIC = "rubric"
    ROSTER = "roster"
    EXPORT = "export"
    AUDIT = "audit"


@dataclass(frozen=True, kw_only=True)
class MadeToken:
    """A token that was just made; its `secret` is kept nowhere."""

    login: str
    name: str
    secret: str
    scopes: tuple[Scope, ...]
    course: str
    until: datetime | None


def make_token(
    store: Store,
    name: str,
    login: str,
    scopes: Sequence[Scope],
    *,
    course: str = "",
    until: datetime | None = None,
) -> MadeToken:
    """Makes a token.

    Args:
        store: The home course's.
        name: What its owner calls it.
        login: Of the account that it acts for.
        scopes: What it is for.
        course: The only one that it is for; empty for all that the account is in.
        until: When it ends; None for never.

    Raises:
        UsageError: The account is unknown, has a token of this name or is not in that course; the name
            cannot be one; or the end is past.
    """
    account = account_of(store, login)
    if not _NAME.fullmatch(name):
        raise UsageError(
            "this cannot be the name of a token",
            expected="letters, digits and . _ @ + -, at most 64",
            found=name[:80],
        )
    if not scopes:
        raise UsageError("a token needs a scope", expected=f"--scope with one of {', '.join(Scope)}")
    if course and course not in store.accounts.enrolments(account.id):
        raise UsageError(
            "they are not in this course",
            where=account.login,
            found=course,
            todo=f"`grader account role {account.login} ROLE --course {course}` enrols them",
        )
    if until is not None and until <= store.clock():
        raise UsageError("this token would have ended already", found=until.isoformat())
    secret = _PREFIX + secrets.token_urlsafe(32)
    given = tuple(scope for scope in Scope if scope in scopes)
    store.api_tokens.add(account.id, name, secret, given, course=course, until=until)
    return MadeToken(login=account.login, name=name, secret=secret, scopes=given, course=course, until=until)


def scopes_named(texts: Sequence[str]) -> tuple[Scope, ...]:
    """Scopes as they are typed.

    Raises:
        UsageError: One is none.
    """
    unknown = [text for text in texts if text not in list(Scope)]
    if unknown:
        raise UsageError("there is no such scope", expected=", ".join(Scope), found=", ".join(unknown))
    return tuple(map(Scope, texts))


def read_until(store: Store, text: str) -> datetime:
    """When a token ends, as it is typed: a day, which it lasts to the end of, or a moment.

    Times without an offset are the course's, UTC where it has named no zone.

    Raises:
        UsageError: It is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "this is no time", expected="--until 2026-12-31, or 2026-12-31T18:00:00+01:00", found=text
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=store.zone or UTC)
    is_day = moment.time() == time() and "T" not in text and " " not in text.strip()
    return moment + timedelta(days=1) if is_day else moment


def tokens(store: Store, login: str = "") -> list[TokenRecord]:
    """All tokens, or those of one account.

    Raises:
        UsageError: There is no such account.
    """
    return store.api_tokens.everyones(account_of(store, login).id if login else None)


def revoke_token(store: Store, name: str, login: str) -> None:
    """Makes a token worthless at once.

    Raises:
        UsageError: There is no such account, or it has no such token.
    """
    account = account_of(store, login)
    if not store.api_tokens.revoke(account.id, name):
        raise UsageError(
            "this account has no token of this name",
            where=account.login,
            found=name,
            todo="`grader api list` shows them",
        )
