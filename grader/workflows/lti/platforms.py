"""`grader lti`: course systems that may bring people, registered by whoever runs the server."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.errors import UsageError
from grader.store import Store
from grader.store.platforms import ContextRecord, PlatformRecord
from grader.workflows.accounts.addresses import is_encrypted, origin_of
from grader.workflows.accounts.people import account_of
from grader.workflows.accounts.roles import Role

__all__ = ["BROUGHT", "add_platform", "connect", "link_person", "platform_named", "remove_platform"]

#: What a platform may make of whom nobody enrolled; whoever leads a course or keeps the machine going is
#: enrolled by hand.
BROUGHT = (Role.STUDENT, Role.TA, Role.INSTRUCTOR)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LONGEST = 255


def add_platform(
    store: Store,
    name: str,
    *,
    issuer: str,
    client_id: str,
    deployment: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    origins: Sequence[str] = (),
    course: str = "",
    enrols: Sequence[str] = (),
) -> PlatformRecord:
    """Registers a platform with one deployment.

    Args:
        store: The home course's.
        name: As commands call it.
        issuer: As the platform names itself.
        client_id: What it calls this tool.
        deployment: Which deployment of the tool there; launches of another one are refused.
        auth_url: Where it signs people in.
        token_url: Where it gives tokens for its services.
        jwks_url: Where it has its keys.
        origins: Where its pages and services are beside these addresses.
        course: For which course it brings people; empty for the home course.
        enrols: Roles that it may give to whom nobody enrolled.

    Raises:
        UsageError: Something of it cannot be, or is registered already.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "this cannot be the name of a platform",
            expected="up to 40 of a-z, 0-9 and -, as canvas",
            found=name[:80],
        )
    texts = {"--issuer": issuer, "--client-id": client_id, "--deployment": deployment}
    for option, text in texts.items():
        if not 0 < len(text) <= _LONGEST or not text.isprintable():
            raise UsageError("this says nothing, or too much", where=option, found=text[:80])
    urls = {"--auth-url": auth_url, "--token-url": token_url, "--jwks-url": jwks_url}
    for option, url in (*urls.items(), *(("--origin", origin) for origin in origins)):
        if not is_encrypted(url) or not origin_of(url):
            raise UsageError(
                "a platform is asked by TLS alone", where=option, expected="https://...", found=url[:200]
            )
    platform = PlatformRecord(
        name=name,
        issuer=issuer,
        client_id=client_id,
        deployment=deployment,
        auth_url=auth_url,
        token_url=token_url,
        jwks_url=jwks_url,
        origins=_origins(issuer, *urls.values(), *origins),
        course=course or store.course.name,
        enrols=_roles(enrols),
    )
    _require_one_platform(store, platform)
    store.platforms.add(platform)
    return platform


def _origins(issuer: str, *urls: str) -> tuple[str, ...]:
    """Where its pages and services may be; the name that it gives itself is an address of it as well."""
    named = [issuer] if is_encrypted(issuer) else []
    return tuple(dict.fromkeys(filter(None, map(origin_of, (*urls, *named)))))


def _roles(names: Sequence[str]) -> tuple[str, ...]:
    known = [role.value for role in BROUGHT]
    for name in names:
        if name not in known:
            raise UsageError(
                "a platform enrols nobody as this", where="--enrol", expected=", ".join(known), found=name
            )
    return tuple(role for role in known if role in names)


def _require_one_platform(store: Store, platform: PlatformRecord) -> None:
    """Deployments of one client are of one platform: who signs for one must not sign for another's."""
    for other in store.platforms.of(platform.issuer, platform.client_id):
        for field in ("auth_url", "token_url", "jwks_url"):
            if getattr(other, field) != getattr(platform, field):
                raise UsageError(
                    "this client of this issuer is registered with another address",
                    where=f"--{field.replace('_', '-')}",
                    expected=f"{getattr(other, field)}, as for {other.name}",
                    found=getattr(platform, field),
                )


def platform_named(store: Store, name: str) -> PlatformRecord:
    """The platform of this name.

    Raises:
        UsageError: There is none.
    """
    found = store.platforms.find(name)
    if found is None:
        known = ", ".join(each.name for each in store.platforms.all())
        raise UsageError(
            "no platform of this name is registered",
            where=name,
            expected=known or "none is registered yet",
            todo="`grader lti add NAME ...` registers one",
        )
    return found


def remove_platform(store: Store, name: str) -> None:
    """Forgets a platform; whom it brought keep their accounts, and nobody comes by it any more.

    Raises:
        UsageError: There is none of this name.
    """
    platform_named(store, name)
    store.platforms.remove(name)


def connect(store: Store, name: str, context: str, *, course: str = "") -> ContextRecord:
    """Says that one of the platform's courses is one of ours, so that people come from there.

    Args:
        store: The home course's.
        name: Of the platform.
        context: How the platform calls its course; the page that refuses a launch from it tells.
        course: The short name of ours; empty for the one that the platform was registered for.

    Raises:
        UsageError: There is no such platform.
    """
    platform = platform_named(store, name)
    if not 0 < len(context) <= _LONGEST:
        raise UsageError("this is no course of a platform", found=context[:80])
    before = store.platforms.context(platform.name, context)
    record = ContextRecord(
        platform=platform.name,
        context=context,
        course=course or platform.course,
        memberships="" if before is None else before.memberships,
        line_items="" if before is None else before.line_items,
    )
    store.platforms.keep_context(record)
    return record


def link_person(store: Store, name: str, subject: str, login: str) -> None:
    """Says for good that the platform means this account by a subject.

    Raises:
        UsageError: There is no such platform or account, or one of them is linked otherwise already.
    """
    platform, account = platform_named(store, name), account_of(store, login)
    if not store.accounts.link_identity(account.id, platform.issuer, subject):
        raise UsageError(
            "the platform means somebody else by this, or means this account by something else",
            where=account.login,
            found=subject[:80],
            todo="`grader account remove` of the account that is wrong, then again",
        )
