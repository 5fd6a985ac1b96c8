"""Our templates in the frame of reports: the same filters, the same looks, one style sheet more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, tzinfo
from functools import lru_cache
from importlib import resources
from typing import Any

from litestar import MediaType, Response
from litestar.response import Redirect
from markupsafe import Markup, escape

from grader.errors import GraderError
from grader.grading.times import in_zone
from grader.reporting.pages import digest, sheet, templates
from grader.reporting.text import clean
from grader.web.addresses import address, server_address
from grader.web.headers import untrusted_policy
from grader.web.roles import may
from grader.web.site import AnyRequest, Site, course_named_in, server_of

__all__ = [
    "Asset",
    "address",
    "asset",
    "fragment",
    "page",
    "private",
    "see_other",
    "text_html",
    "untrusted",
    "untrusted_html",
    "untrusted_page",
]

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
#: Files that pages fetch, in the order in which they were made known; nothing else is served.
ASSETS = ("page.css", "desk.css", "desk.js", "ahead.js", "rubric.js", "live.js", "hand_in.js", "icon.svg")


class Asset:
    """A packaged file with its type, under an address that changes with it."""

    def __init__(self, name: str) -> None:
        packaged = resources.files("grader.web").joinpath("static", name)
        self.text = str(sheet(name)) if name == "page.css" else packaged.read_text(encoding="utf-8")
        self.type = _TYPES[name.rpartition(".")[2]]
        self.version = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        self.address = f"/static/{self.version}/{name}"


@lru_cache(maxsize=len(ASSETS))
def asset(name: str) -> Asset:
    return Asset(name)


def page(request: AnyRequest, template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """One of our own pages, whole.

    Args:
        request: Tells who reads it.
        template: Its name.
        status: Of the answer.
        context: What the template needs.
    """
    server, name = server_of(request), course_named_in(request)
    session = None
    with suppress(GraderError):
        # Where the database is out of reach, that is what the page is to say.
        session = server.session_of(request)
    role = session.role_in(name) if session and name is not None else None
    environment, here = templates("grader.web"), request.url.path
    html = environment.get_template(template).render(
        session=session,
        role=role,
        may=lambda permission: may(role, permission),
        # Who may not enter a course is not told that it is there.
        site=server.sites.get(name) if name is not None and role else None,
        several=session is not None and len(server.courses_of(session)) > 1,
        has_accounts=server.has_accounts,
        provider=server.oidc.settings.name if server.oidc else "",
        asset=asset,
        address=address,
        server_address=server_address,
        here=here,
        shown_part=_part_of(here),
        local=_local(server.sites.get(name) if name is not None else None),
        **context,
    )
    return Response(html, media_type=MediaType.HTML, status_code=status)


def _part_of(path: str) -> str:
    """Which part of an assignment a page is: of ``/c/course/a/lab/students`` the last."""
    parts = path.split("/", 6)
    return parts[5] if len(parts) > 5 else ""


def _local(site: Site | None) -> Callable[[datetime], datetime]:
    """Tells moments by the course's clocks; asks the database only where a page shows one."""
    asked: list[tzinfo | None] = []

    def local(moment: datetime) -> datetime:
        if not asked:
            asked.append(site.store.zone if site else None)
        return in_zone(moment, asked[0])

    return local


def text_html(text: str) -> str:
    """A text as templates put it into a page, for rows that are drawn without one."""
    return escape(clean(text))


def fragment(template: str, **context: Any) -> str:
    """Part of one of our own pages, for a script that puts it into one."""
    return templates("grader.web").get_template(template).render(address=address, **context)


def untrusted_html(template: str, **context: Any) -> str:
    """A page of what a student handed in, as text; `untrusted` answers with it."""
    styles, _ = _untrusted_styles()
    return templates("grader.web").get_template(template).render(styles=styles, **context)


def untrusted(html: str) -> Response[str]:
    """What a student handed in: in an origin of its own, where nothing can run or be fetched."""
    _, policy = _untrusted_styles()
    return Response(html, media_type=MediaType.HTML, headers={"content-security-policy": policy})


def untrusted_page(template: str, **context: Any) -> Response[str]:
    """Both in one."""
    return untrusted(untrusted_html(template, **context))


@lru_cache(maxsize=1)
def _untrusted_styles() -> tuple[Markup, str]:
    """Our style sheets, and the policy that lets them in by their hash."""
    styles = sheet("page.css") + Markup("\n" + asset("desk.css").text)  # noqa: S704 - packaged with this module
    return styles, untrusted_policy(digest(styles))


def private(answer: Response[str]) -> Response[str]:
    """What is one person's own: no cache may keep it, shared or theirs."""
    answer.headers["cache-control"] = "private, no-store"
    return answer


def see_other(path: str) -> Redirect:
    """After a form, so that loading again sends nothing twice."""
    return Redirect(path, status_code=303)
