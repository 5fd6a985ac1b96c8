"""Whom an identity provider means: by the subject that it once named, else as the course decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from grader.errors import UsageError
from grader.store import Store
from grader.store.accounts import AccountRecord
from grader.workflows.accounts.people import plain_login

__all__ = ["Identity", "Match", "account_for"]


class Match(StrEnum):
    """By what an account is found for somebody whom the provider names for the first time."""

    EMAIL = "email"
    LOGIN = "login"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What an identity provider vouches for.

    Attributes:
        issuer: The provider.
        subject: Whom it means, for good; it gives this to nobody else.
        email: Empty unless it has verified that this is theirs.
        login: What it calls them; empty where it does not say.
    """

    issuer: str
    subject: str
    email: str = ""
    login: str = ""


def account_for(store: Store, identity: Identity, match: Match) -> AccountRecord | None:
    """The account of somebody whom a provider vouches for.

    Once found it stays theirs by the subject, whatever else changes. No account is ever made here: who was
    not enrolled is not let in.

    Args:
        store: The home course's.
        identity: Whom the provider means.
        match: By what to find them the first time.

    Returns:
        None where there is no such account, where there are two, or where it is another subject's already.
    """
    accounts = store.accounts
    known = accounts.known_as(identity.issuer, identity.subject)
    if known is not None:
        return known
    found = _by_email(store, identity) if match is Match.EMAIL else _by_login(store, identity)
    if found is None or not accounts.link_identity(found.id, identity.issuer, identity.subject):
        return None
    return found


def _by_email(store: Store, identity: Identity) -> AccountRecord | None:
    email = identity.email.strip().casefold()
    found = store.accounts.by_email(email) if email else []
    return found[0] if len(found) == 1 else None


def _by_login(store: Store, identity: Identity) -> AccountRecord | None:
    try:
        return store.accounts.find(plain_login(identity.login))
    except UsageError:
        return None
