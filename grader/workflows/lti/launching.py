"""Brings somebody from a platform's course to the assignment that its link is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from grader.store import Store
from grader.store.accounts import AccountRecord
from grader.store.platforms import ContextRecord, PlatformRecord
from grader.workflows.accounts.addresses import is_encrypted, origin_of
from grader.workflows.lti.messages import Message
from grader.workflows.lti.persons import Stranger, account_brought

__all__ = ["Brought", "NotConnected", "assignment_of", "bring", "is_of"]


@dataclass(frozen=True)
class NotConnected:
    """A launch from a course of the platform that nobody connected, or whose course is not shown here.

    Attributes:
        context: How the platform calls its course.
    """

    platform: str
    context: str


@dataclass(frozen=True)
class Brought:
    """Somebody who may come in.

    Attributes:
        course: Which course.
        assignment: Which assignment; empty where the link is about none, or about one that is not there.
    """

    account: AccountRecord
    course: str
    assignment: str


def bring(
    home: Store, courses: Mapping[str, Store], platform: PlatformRecord, message: Message
) -> Brought | Stranger | NotConnected:
    """Who a launch brings, and where to; keeps what it tells of the platform's course.

    Args:
        home: Has accounts and platforms.
        courses: That the server shows, by name.
        platform: The registration that the message belongs to.
        message: What the platform says, which is believed.
    """
    context = home.platforms.context(platform.name, message.context.id)
    store = None if context is None else courses.get(context.course)
    if context is None or store is None:
        return NotConnected(platform.name, message.context.id)
    assignment = assignment_of(message, home.desk_url)
    _learn(home, platform, context, message, assignment)
    account = account_brought(home, store, context.course, platform, message)
    if isinstance(account, Stranger):
        return account
    return Brought(account, context.course, assignment)


def assignment_of(message: Message, here: str) -> str:
    """The assignment that a link is about: by its custom field, else by the address that it leads to.

    Args:
        message: The launch.
        here: Our own origin; an address elsewhere says nothing.
    """
    named = (message.custom or {}).get("assignment")
    if not isinstance(named, str) or named.startswith("$"):
        named = ""
    if not named and message.target and origin_of(message.target) == here:
        named = parse_qs(urlsplit(message.target).query).get("assignment", [""])[0]
    return named.strip()


def _learn(
    home: Store, platform: PlatformRecord, context: ContextRecord, message: Message, assignment: str
) -> None:
    """Where the platform's course has its members and columns, if that is at the platform."""
    members = message.memberships.context_memberships_url if message.memberships else None
    services = message.services
    home.platforms.learn(
        context,
        memberships=_own(platform, members),
        line_items=_own(platform, services.lineitems if services else None),
    )
    column = _own(platform, services.lineitem if services else None)
    if column and assignment:
        home.platforms.keep_line_item(platform.name, context.context, assignment, column)


def _own(platform: PlatformRecord, url: str | None) -> str:
    return url if url and is_of(platform, url) else ""


def is_of(platform: PlatformRecord, url: str) -> bool:
    """Whether an address is one of a platform's own origins, which were registered."""
    return is_encrypted(url) and origin_of(url) in platform.origins
