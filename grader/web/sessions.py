"""Who is signed in: kept in the database of the home course, so that a new start of the server keeps them.

Neither a session's id nor a link's token is kept, only what they hash to, and the token of a session's forms
is made from its id: who reads the database, a backup or a log finds nothing to sign in with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.store import Store
from grader.store.accounts import EnrolmentRecord
from grader.store.signed_in import Comer, OpenSession
from grader.web.roles import Role

__all__ = ["LASTS", "LINK_LASTS", "Person", "Session", "Sessions"]

#: However busy somebody is; `grader.store.signed_in` says after how long without a request it ends anyway.
LASTS = timedelta(hours=12)
#: Of the links that the server itself prints.
LINK_LASTS = timedelta(hours=12)


@dataclass(frozen=True)
class Person:
    """Whom a link of the server's own signs in: as the history names them, and what they are everywhere."""

    name: str
    role: Role


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        name: As the history names them.
        form_token: What every form of theirs carries.
        until: When it ends at the latest.
        account: Whose; None for who came by a link of the server's own.
        everywhere: What they are in every course, by such a link.
        enrolments: What the account is, by course.
    """

    name: str
    form_token: str
    until: datetime
    account: int | None
    everywhere: Role | None
    enrolments: Mapping[str, EnrolmentRecord]

    def role_in(self, course: str) -> Role | None:
        """What they are in a course; None where they are not in it."""
        enrolment = self.enrolments.get(course)
        return self.everywhere or (None if enrolment is None else _role(enrolment.role))

    def student_in(self, course: str) -> str | None:
        """Under which id they hand in to a course; None for whoever does not."""
        enrolment = self.enrolments.get(course)
        return None if enrolment is None else enrolment.student or None

    def is_own_form(self, token: str) -> bool:
        return hmac.compare_digest(self.form_token.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """All that are signed in, and links not used yet. Safe to share between threads.

    Args:
        store: Of the home course.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def link_for(self, person: Person) -> str:
        """A token that signs this person in once."""
        token = secrets.token_urlsafe(32)
        comer = Comer(name=person.name, role=person.role.value)
        self._store.signed_in.keep_link(token, comer, self._store.clock() + LINK_LASTS)
        return token

    def link(self, token: str) -> Comer | None:
        """Whom a link is for, without using it; None where it is none, used up or too old."""
        return self._store.signed_in.link(token) if token else None

    def use_link(self, token: str) -> Comer | None:
        """As `link`, and nobody can use it again."""
        return self._store.signed_in.use_link(token) if token else None

    def enter(self, token: str) -> str | None:
        """Uses up a link.

        Returns:
            The id of a new session; None where the token is none, used up or too old.
        """
        comer = self.use_link(token)
        return None if comer is None else self.begin(comer)

    def begin(self, comer: Comer) -> str:
        """Signs somebody in who has shown who they are.

        Returns:
            The id of a new session.
        """
        id = secrets.token_urlsafe(32)
        self._store.signed_in.begin(id, comer, self._store.clock() + LASTS)
        return id

    def of(self, id: str | None) -> Session | None:
        """Who has this session; None where there is none, or it has ended."""
        found = self._store.signed_in.of(id) if id else None
        if found is None or id is None:
            return None
        return Session(
            name=found.name,
            form_token=_form_token(id),
            until=found.until,
            account=found.account,
            everywhere=_role(found.role),
            enrolments=found.enrolments,
        )

    def all_of(self, account: int, own: str) -> list[OpenSession]:
        """Where an account is signed in, the newest first; `own` is the id of the session that asks."""
        return self._store.signed_in.sessions_of(account, own)

    def leave_others(self, account: int, own: str, only: str = "") -> int:
        """Ends an account's other sessions, or the one that `only` names; gives how many there were."""
        return self._store.signed_in.end_others(account, own, only)

    def leave(self, id: str | None) -> None:
        if id:
            self._store.signed_in.end(id)


def _form_token(id: str) -> str:
    digest = hmac.digest(id.encode("utf-8", "replace"), b"token of forms", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _role(text: str) -> Role | None:
    """A role that this version knows: what another one wrote lets nobody in."""
    return Role(text) if text in list(Role) else None
