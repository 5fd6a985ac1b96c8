"""What every request finds: the course that it is about, who is signed in, and where this is."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.exceptions import NotFoundException
from litestar.types import Scope

from grader.errors import GraderError, UsageError
from grader.facts.case import Reference
from grader.reporting.code import highlighted
from grader.reporting.formulas import formula
from grader.reporting.markdown import markdown, message
from grader.store import Course, Store
from grader.store.limited import LimitedStore
from grader.web.drawn import Drawn, DrawnByValue
from grader.web.jobs import Jobs
from grader.web.limits import Tries, network_of
from grader.web.metrics import Metrics
from grader.web.oidc import Oidc
from grader.web.presence import Presence
from grader.web.sessions import Session, Sessions
from grader.workflows.handing_in.links import HandInLink, course_claimed_by, opened
from grader.workflows.handing_in.taking import MOST_BYTES
from grader.workflows.leasing.remote import RemoteDesk
from grader.workflows.lti.platform_keys import PlatformKeys
from grader.workflows.regrading.own_rubrics import own_rubrics
from grader.workflows.regrading.pool import shared_pool
from grader.workflows.serving.orders import CourseFiles
from grader.workflows.views.near_copies import forget_code

__all__ = [
    "WORKER",
    "AnyRequest",
    "Place",
    "Server",
    "Site",
    "address_of",
    "course_named_in",
    "is_loopback",
    "keep_link",
    "keep_session",
    "link_in",
    "server_of",
    "session_in",
    "site_of",
]

AnyRequest = Request[Any, Any, Any]

_SESSION, _LINK = "grader_session", "grader_link"
#: One answer for whatever is wrong with a link: who made one up learns nothing from it.
_NO_LINK = "this link is none, or has ended; ask your course for another one"
#: Where the guard leaves which worker asks.
WORKER = "grader_worker"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches this address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Place:
    """Where browsers reach this server.

    Attributes:
        origins: As browsers send them, the first one in links: ``http://127.0.0.1:8310``.
    """

    origins: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """With their ports, as the header Host has them."""
        return tuple(urlsplit(origin).netloc for origin in self.origins)

    @property
    def is_encrypted(self) -> bool:
        return self.origins[0].startswith("https://")

    @property
    def is_this_machine(self) -> bool:
        """Whether browsers come from this machine alone, through no proxy."""
        return all(is_loopback(urlsplit(origin).hostname or "") for origin in self.origins)

    @property
    def cookie(self) -> str:
        """Browsers keep cookies of all ports of a machine together: each server has a name of its own."""
        return "__Host-grader" if self.is_encrypted else f"grader-{urlsplit(self.origins[0]).port or 80}"


@dataclass(frozen=True)
class Site:
    """One course as its pages see it.

    Attributes:
        reference: The course's own networks, shown beside the students'.
        course: Its name and title, as they were when the server started.
        drawn: Pages that are kept; own: those that students have of their own work.
        jobs: Work that takes longer than a page.
        places: Folders in which the course's own rubrics may lie.
        limited: The course as graders see it who are limited to a share of it, by name.
    """

    store: Store
    sessions: Sessions
    place: Place
    reference: Reference
    presence: Presence
    course: Course
    drawn: Drawn = field(default_factory=Drawn)
    own: DrawnByValue = field(default_factory=DrawnByValue)
    jobs: Jobs = field(default_factory=Jobs)
    places: tuple[Path, ...] = ()
    limited: dict[str, LimitedStore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.own_rubrics = partial(own_rubrics, self.places)
        self.store.when_erased(self.drawn.forget)
        self.store.when_erased(self.own.forget)
        self.store.when_erased(self.forget_texts)

    def forget_texts(self, erased: int) -> None:
        """Lets go of pieces of text that this process holds as it drew them: any may be of who was erased."""
        for piece in (markdown, message, formula, highlighted):
            piece.cache_clear()
        forget_code()


class Server:
    """All courses that one server shows; who is signed in is known to the first one's database.

    Args:
        sites: One a course, the home course first.
        oidc: An identity provider to sign in by.
        watch_token: See there.
        upload_bytes: See there.

    Attributes:
        home: The course whose database knows accounts and sessions.
        tries: Who tried to come in lately.
        platform_keys: Keys of the course systems that bring people.
        metrics: What is counted of all requests.
        watch_token: What whoever asks for them has to bring; empty where being on this machine is enough.
        upload_bytes: No file that somebody hands in may be longer.

    Raises:
        UsageError: Two courses have one name.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        oidc: Oidc | None = None,
        *,
        watch_token: str = "",
        upload_bytes: int = MOST_BYTES,
    ) -> None:
        self.oidc = oidc
        self.home = sites[0]
        self.metrics = Metrics()
        self.watch_token = watch_token
        self.upload_bytes = upload_bytes
        self.tries = Tries(self.home.store.clock)
        self.platform_keys = PlatformKeys(self.home.store.clock)
        self.sites = {site.course.name: site for site in sites}
        if len(self.sites) < len(sites):
            names = [site.course.name for site in sites]
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(
                "two of these databases are of one course",
                where=", ".join(site.store.location for site in sites if site.course.name == twice),
                found=twice,
                todo="name one of them with `grader db course NAME --db FILE`",
            )

    @cached_property
    def remote(self) -> RemoteDesk:
        """The queues as workers on other machines see them."""
        stores = {name: site.store for name, site in self.sites.items()}
        own = {name: CourseFiles(site.places, site.reference) for name, site in self.sites.items()}
        return RemoteDesk(stores, self.home.reference, self.home.places, own=own, pool=shared_pool())

    def beside(self, site: Site) -> list[Store]:
        """The other courses, in the order in which seats go on to them from this one."""
        at, stores = list(self.sites).index(site.course.name), [each.store for each in self.sites.values()]
        return [*stores[at + 1 :], *stores[:at]]

    @property
    def sessions(self) -> Sessions:
        return self.home.sessions

    @property
    def place(self) -> Place:
        return self.home.place

    def has_accounts(self) -> bool:
        """Whether anybody can sign in by a password."""
        with suppress(GraderError):
            return self.home.store.accounts.any()
        return False

    def session_of(self, request: AnyRequest) -> Session | None:
        """Who asks; None where nobody is signed in. Looked up once a request."""
        kept = request.scope["state"]
        if _SESSION not in kept:
            kept[_SESSION] = self.sessions.of(request.cookies.get(self.place.cookie))
        session: Session | None = kept[_SESSION]
        return session

    def courses_of(self, session: Session) -> list[Site]:
        """The courses that somebody is in, by title."""
        found = [site for name, site in self.sites.items() if session.role_in(name) is not None]
        return sorted(found, key=lambda site: (site.course.title.casefold(), site.course.name))


def keep_link(request: AnyRequest) -> HandInLink:
    """The link that a request came by, once it was looked at; kept for its page.

    Raises:
        NotFoundException: It is none, was changed, is another course's or has ended.
    """
    signed = str(request.path_params.get("signed", ""))
    site = server_of(request).sites.get(course_claimed_by(signed) or "")
    link = opened(site.store, signed, site.course.name) if site is not None else None
    if link is None:
        raise NotFoundException(_NO_LINK)
    request.scope["state"][_LINK] = link
    return link


def link_in(request: AnyRequest) -> HandInLink:
    """The link that the guard let a request through by."""
    link: HandInLink = request.scope["state"][_LINK]
    return link


def keep_session(request: AnyRequest, session: Session) -> None:
    """Says who asks where it was not the browser's cookie that told."""
    request.scope["state"][_SESSION] = session


def session_in(scope: Scope) -> Session | None:
    """Who asked, as far as it was looked up."""
    session: Session | None = scope["state"].get(_SESSION)
    return session


def server_of(request: AnyRequest) -> Server:
    server = request.app.state["server"]
    assert isinstance(server, Server)
    return server


def address_of(request: AnyRequest) -> str:
    """Whose address a request comes from, as limits count them."""
    return network_of(request.client.host if request.client else "")


def course_named_in(request: AnyRequest) -> str | None:
    """The course that an address is below, whether there is such a course or not; None for all others."""
    name = request.scope.get("path_params", {}).get("course")
    return name if isinstance(name, str) else None


def site_of(request: AnyRequest) -> Site:
    """The course that a page is about, once the guard has let the request through.

    Raises:
        NotFoundException: This server shows no such course.
    """
    site = server_of(request).sites.get(course_named_in(request) or "")
    if site is None:
        raise NotFoundException
    return site
