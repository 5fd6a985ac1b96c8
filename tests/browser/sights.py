"""Every page that there is, made from the route table: who sees it, where, and what they do to come to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from playwright.sync_api import Browser, BrowserContext, Page

from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.store.signed_in import Comer
from grader.web.app import routes_of
from grader.web.guards import SAFE, handlers_of, permission_of, scope_of
from grader.web.pages import ROUTES
from grader.web.roles import GRANTED, Permission, Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.web.site import Server
from grader.workflows.accounts.people import make_link
from grader.workflows.desk.groups import groups_of
from tests import web_class
from tests.full_course import FullCourse, full_course
from tests.unit.reporting.test_hostile_reports import CANARY

__all__ = ["NO_PAGES", "SIGHTS", "Fair", "Guest", "Sight", "fair", "page_routes", "sights"]

#: Answers to GET that are no page of ours, with the reason.
NO_PAGES = {
    "/oidc/start": "leads to the university's own page",
    "/oidc/back": "leads on, or refuses as any other page does (`test_provider.py`)",
    "/lti/login": "a course system sends a browser there (`test_lti.py` looks at all of them)",
    "/lti/enter": "a course system sends a browser there (`test_lti.py` looks at all of them)",
    "/lti/jwks": "for programs",
    "/c/{course:str}/untrusted/my/{assignment:str}/report": "a file to keep (`test_pages_in_a_browser.py`)",
    "/static/{version:str}/{name:str}": "what pages are made of",
    "/healthz": "for programs",
    "/readyz": "for programs",
    "/metrics": "for programs",
    "/worker/v1/work": "for programs",
}
#: The end of an address that a page's script asks, or that is saved as a file.
_FILES = re.compile(r"/(progress|figures|state|shares|file|[a-z]+\.csv|slides\.md)$")


@dataclass(frozen=True)
class Sight:
    """One page in one state.

    Attributes:
        name: What it shows, in a few words.
        who: A login; ``staff`` for an instructor of all courses, ``nobody`` for who is not signed in.
        path: Where, with ``{}`` for what the course has an id of.
        do: What is done there to come to it.
        status: What it answers with.
        refuses: Whether what is done there is refused, on the same page.
    """

    name: str
    who: str
    path: str
    do: Callable[[Page], object] | None = None
    status: int = 200
    refuses: bool = False


@dataclass
class Guest:
    """Somebody in a browser of their own; `complaints` and `asked_for` as `conftest.Opened` has them."""

    page: Page
    origin: str
    before: Callable[[], None]
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Goes to an address of the server.

        Raises:
            AssertionError: It did not answer as a page that is there does.
        """
        self.see(path, 200)
        return self.page

    def see(self, path: str, status: int) -> None:
        """Goes there, and has to be answered with this status."""
        self.before()
        answer = self.page.goto(self.origin + path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)


@dataclass
class Fair:
    """One server and one browser for all pages of a module.

    Attributes:
        made: The course that is shown.
        empty: One beside it in which there is nothing.
    """

    made: FullCourse
    empty: Store
    desk: Opened
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.desk.place.origins[0]

    def guest(
        self, who: str = "staff", *, script: bool = True, width: int = 1280, dark: bool = False
    ) -> Guest:
        """Lets somebody in: an account, ``staff``, an ``auditor``, an ``admin``, or ``nobody``."""
        context = self.browser.new_context(
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
        )
        context.set_default_timeout(120_000)
        self.contexts.append(context)
        if who != "nobody":
            cookie = {"name": self.desk.place.cookie, "value": self._session(who), "url": self.origin}
            context.add_cookies([cookie])  # type: ignore[list-item]
        guest = Guest(context.new_page(), self.origin, self.made.stay)
        _watch(guest)
        return guest

    def _session(self, who: str) -> str:
        account = self.made.store.accounts.find(who)
        if account is not None:
            return self.desk.sessions.begin(Comer(account=account.id))
        role = Role.INSTRUCTOR if who == "staff" else Role(who)
        entered = self.desk.sessions.enter(self.desk.sessions.link_for(Person("ann", role)))
        assert entered is not None
        return entered

    def address(self, path: str) -> str:
        """A path of the tables below with the ids of this course in place of their names."""
        return re.sub(r"\{([^}]*)\}", lambda found: self.made.ids[found[1]], path)


@contextmanager
def fair(browser: Browser) -> Iterator[Fair]:
    """Makes the course, serves it, and ends all of it."""
    with (
        TemporaryDirectory() as made_in,
        TemporaryDirectory() as empty_in,
        full_course(Path(made_in)) as made,
        open_store(f"{empty_in}/empty.db") as empty,
        listen("127.0.0.1", 0) as listening,
    ):
        empty.name_course("empty", "A course that has only begun")
        desk = Opened(made.store, Reference(), listening, more=[empty], places=[made.folder])
        account = made.store.accounts.find("s1001")
        assert account is not None
        made.ids["group"] = groups_of(made.store, "cats", web_class.WHY).groups[0].key
        made.ids["link"] = make_link(made.store, account, sets_password=True)
        made.ids["plain link"] = make_link(made.store, account, sets_password=False)
        serving = Thread(target=desk.run, daemon=True)
        serving.start()
        shown = Fair(made, empty, desk, browser)
        yield shown
        for context in shown.contexts:
            context.close()
        desk.stop()
        serving.join()


def _watch(guest: Guest) -> None:
    context = guest.page.context
    context.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((guest.origin, "data:", "blob:"))
            else guest.asked_for.append(request.url)
        ),
    )
    context.on("console", lambda said: guest.complaints.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: guest.complaints.append(str(error.error)))
    context.add_init_script(f"window.{CANARY} = () => {{ window.ran = true }}")


#: What stands in place of a path's parameters.
_PARTS = {
    "{course:str}": "course",
    "{assignment:str}": "cats",
    "{criterion:str}": web_class.WHY,
    "{student:str}": "s1005",
    "{signed:str}": "{signed}",
}
#: Of these the id is another thing's in each.
_IDS = {"/remarks/{id:int}": "{open}", "/my/{assignment:str}/hand-in/receipts/{id:int}": "{receipt}"}
#: What a route needs besides its path.
_QUERIES = {
    "/a/{assignment:str}/compare": f"?left=s1009&right=s1005&criterion={web_class.WHY}",
    "/untrusted/a/{assignment:str}/compare": "?left=s1009&right=s1005",
    "/a/{assignment:str}/alike/{criterion:str}": "?group={group}",
}


def page_routes(server: Server) -> Iterator[tuple[str, Permission]]:
    """Each route that answers a browser with a page, as it stands in the table."""
    for path, handler in handlers_of(routes_of(ROUTES, server)):
        permission = permission_of(handler)
        is_page = path not in NO_PAGES and not _FILES.search(path) and scope_of(handler) is None
        if is_page and permission is not None and handler.http_methods & SAFE and "/api/" not in path:
            yield path, permission


def sights(server: Server) -> Iterator[Sight]:
    """One of each route, then those in other states."""
    for path, permission in page_routes(server):
        within = path.removeprefix("/c/{course:str}") or "/"
        if within.startswith("/u/{signed:str}/receipts") or within == "/a/{assignment:str}/rubric/confirm":
            # One comes to them by a form.
            assert any(each.name.startswith(within) for each in SIGHTS), within
            continue
        where = _IDS.get(within, "")
        filled = path.replace("{id:int}", where)
        for part, text in _PARTS.items():
            filled = filled.replace(part, text)
        yield Sight(path, _reader(permission), filled + _QUERIES.get(within, ""))
    yield from SIGHTS


def _reader(permission: Permission) -> str:
    if permission in (Permission.PUBLIC, Permission.LINK):
        return "nobody"
    if permission is Permission.OWN_WORK:
        return "s1001"
    assert permission in GRANTED[Role.INSTRUCTOR], permission
    return "staff"


C, CATS = "/c/course", "/c/course/a/cats"
_PDF = b"%PDF-1.7 homework"


def _click(what: str) -> Callable[[Page], object]:
    def click(page: Page) -> None:
        page.click(what)
        page.wait_for_load_state()

    return click


def _send(raw: bytes, name: str = "lab.ipynb") -> Callable[[Page], object]:
    def send(page: Page) -> None:
        page.set_input_files("#file", {"name": name, "mimeType": "application/json", "buffer": raw})
        page.click("form.drop button")
        page.wait_for_load_state()

    return send


def _look(page: Page) -> None:
    page.select_option("#least", "30")
    page.click("text=Look for near copies")
    page.locator(".pairs td a").first.click()
    page.wait_for_selector("#pair")


def _confirm(page: Page) -> None:
    text = page.input_value("#text")
    page.fill("#text", text.replace("points: 2", "points: 4", 1).replace("total: 12", "total: 14"))
    page.wait_for_selector("#confirm:not([hidden])")
    page.click("#confirm")
    page.wait_for_selector("#reason")


def _try_out(page: Page) -> None:
    page.fill("#points", "4")
    page.fill("#reason", "It is there.")
    page.click("text=What would it do?")
    page.wait_for_selector(".tried")


def _let_in(page: Page) -> None:
    page.click("text=Let a worker in")
    page.fill("#name", f"worker-{page.viewport_size['width'] if page.viewport_size else ''}-{id(page)}")
    page.click("text=Make a token")
    page.wait_for_selector(".command")


_NOTEBOOK = (
    b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": '
    b'[{"cell_type": "code", "source": "y = 2", "metadata": {}, "outputs": [], "execution_count": null}]}'
)

#: Pages in further states, and those that one comes to by a form.
SIGHTS = (
    Sight("the desk of one course", "ben", C),
    Sight("one answer that a TA sees by pseudonym", "ben", f"{CATS}/grade/{web_class.WHY}"),
    Sight("an answer that is marked", "staff", f"{CATS}/grade/{web_class.WHY}?student=s1009"),
    Sight("a plot", "staff", f"{CATS}/grade/{web_class.CURVES}?student=s1004"),
    Sight("the share of one TA", "dan", f"{CATS}/waiting"),
    Sight(
        "one beside whom nothing was run",
        "staff",
        f"{CATS}/compare?left=s1001&right=s1005&criterion={web_class.WHY}",
    ),
    Sight("two to choose", "staff", f"{CATS}/compare?left=s1001"),
    Sight("a student with a long name", "staff", f"{CATS}/s/s1003"),
    Sight("a student whose file could not be taken", "staff", f"{CATS}/s/s1022"),
    Sight("a student whom our sandbox failed", "staff", f"{CATS}/s/s1020"),
    Sight("a request that is decided", "staff", f"{C}/remarks/{{decided}}"),
    Sight("a request tried out", "staff", f"{C}/remarks/{{open}}", _try_out),
    Sight("the history proved", "staff", f"{C}/audit?prove=yes"),
    Sight("a pair of near copies", "staff", f"{CATS}/similar", _look),
    Sight("/a/{assignment:str}/rubric/confirm", "staff", f"{CATS}/rubric", _confirm),
    Sight("a worker's token, shown once", "staff", f"{C}/workers", _let_in),
    Sight("the queue as who keeps the machine sees it", "admin", f"{C}/queue"),
    Sight("the queue as an auditor sees it", "auditor", f"{C}/queue"),
    Sight("workers as an auditor sees them", "auditor", f"{C}/workers"),
    Sight("set-up as an auditor sees it", "auditor", f"{CATS}/setup"),
    Sight("a pause without a reason", "staff", f"{C}/queue", _click("button[value=drain]"), refuses=True),
    Sight("an account with a password", "ben", "/account"),
    Sight("feedback of a group's file", "s1002", f"{C}/my/cats"),
    Sight("to hand in with a group", "s1002", f"{C}/my/cats/hand-in"),
    Sight("a receipt of a group's file", "s1002", f"{C}/my/cats/hand-in/receipts/{{group receipt}}"),
    Sight("a file that was refused", "s1004", f"{C}/my/cats/hand-in", _send(_PDF), refuses=True),
    Sight("a pre-check that was refused", "s1001", f"{C}/my/cats/pre-check", _send(_PDF), refuses=True),
    Sight("a pre-check of who had none", "s1099", f"{C}/my/cats/pre-check"),
    Sight("work of who handed in nothing", "s1099", f"{C}/my"),
    Sight("feedback of who handed in nothing", "s1099", f"{C}/my/cats"),
    Sight("feedback on what could not be taken", "s1022", f"{C}/my/cats"),
    Sight("feedback as it was once", "s1001", f"{C}/my/cats?as_of=2020-01-01"),
    Sight("photos to hand in", "s1001", f"{C}/my/hands/hand-in"),
    Sight("photos received", "s1004", f"{C}/my/hands/hand-in", _send(b"\xff\xd8\xffA", "A_1.jpg")),
    Sight("photos to hand in by a link", "nobody", "/u/{signed photos}"),
    Sight("/u/{signed:str}/receipts/{id:int}", "nobody", "/u/{signed}", _send(_NOTEBOOK)),
    Sight("a link that is none", "nobody", "/u/none", None, 404),
    Sight("a link that lets somebody in", "nobody", "/login?token={plain link}"),
    Sight("a link that chooses a password", "nobody", "/login?token={link}"),
    Sight("a link that was used", "nobody", "/login?token=none", None, 401),
    Sight("who has to sign in first", "nobody", f"{CATS}/waiting", None, 401),
    Sight("a page that is not there", "staff", f"{CATS}/s/nobody", None, 404),
    Sight("a page that a student may not see", "s1001", f"{CATS}/waiting", None, 403),
    Sight("an assignment of which nothing came", "s1099", f"{C}/my/nobodys/hand-in"),
    *(
        Sight(f"{each or 'the desk'} of an empty course", "staff", f"/c/empty{each}")
        for each in ("", "/queue", "/workers", "/people", "/mails", "/audit?prove=yes")
    ),
)
