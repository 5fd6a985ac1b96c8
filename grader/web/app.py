"""The application: all routes, the guard in front of them, and what is said when something goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from litestar import Litestar, Response, Router
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ControllerRouterHandler

from grader.errors import (
    DamagedRow,
    GraderError,
    LetGoError,
    NotRunYet,
    SetUpError,
    StoreUnavailable,
    UsageError,
)
from grader.web import api
from grader.web.addresses import COURSE_PATHS
from grader.web.api import problems
from grader.web.api.heads import Heads
from grader.web.forms import FormError, read_form
from grader.web.guards import SAFE, guard, require_permissions
from grader.web.headers import SecureHeaders
from grader.web.observed import Observed, log_failure
from grader.web.pages import ROUTES, SERVER_ROUTES
from grader.web.rendering import page
from grader.web.site import AnyRequest, Server, Site, course_named_in, server_of
from grader.web.uploads import UploadError

__all__ = ["create_app", "routes_of"]

#: No form of ours is longer.
_FORM_BYTES = 256 * 1024

#: Seconds after which whoever was told that the database is away may ask again.
_RETRY_S = "5"

_SAID = {
    400: "This form cannot be read",
    401: "Nobody is signed in here",
    403: "This is not yours to do",
    404: "There is no such page",
    410: "This is no longer kept",
    405: "This page takes no such request",
    408: "This took too long",
    413: "This is too long",
    421: "This server was called by another name",
    429: "Too many tries",
    503: "The marks are out of reach for the moment",
}


def routes_of(routes: Sequence[ControllerRouterHandler], site: Site | Server) -> Litestar:
    """The framework's application, with every route asked for its permission.

    Args:
        routes: The pages of a course, which lie below it.
        site: The only course, or all of them.

    Raises:
        SetUpError: A route declares none.
    """
    server = _server(site)
    app = Litestar.from_config(
        AppConfig(
            route_handlers=[
                *SERVER_ROUTES,
                *api.SERVER_ROUTES,
                Router(COURSE_PATHS[0], route_handlers=list(routes)),
                Router(COURSE_PATHS[1], route_handlers=list(api.ROUTES)),
            ],
            guards=[guard],
            dependencies={"form": Provide(read_form)},
            state=State({"server": server}),
            exception_handlers={
                HTTPException: _refused,
                FormError: _told,
                GraderError: _told,
                Exception: _failed,
            },
            openapi_config=None,
            request_max_body_size=_FORM_BYTES,
            logging_config=None,
        )
    )
    require_permissions(app)
    return app


def create_app(site: Site | Server, routes: Sequence[ControllerRouterHandler] = ROUTES) -> ASGIApp:
    """The whole application, to be given to a server.

    Args:
        site: The only course, or all of them.
        routes: The pages of a course, which lie below it.

    Raises:
        SetUpError: A route declares no permission.
    """
    server = _server(site)
    app = Observed(Heads(routes_of(routes, server)), server.metrics)
    return SecureHeaders(app, encrypted=server.place.is_encrypted)


def _server(site: Site | Server) -> Server:
    return site if isinstance(site, Server) else Server([site])


def _refused(request: AnyRequest, error: HTTPException) -> Response[Any]:
    if problems.is_for_programs(request):
        return problems.refused(request, error)
    status = error.status_code
    title = _SAID.get(status, "This cannot be done")
    tells = (
        status in (401, 403, 421, 429) or "signed" in request.path_params
    ) and error.detail.lower() != title.lower()
    why = error.detail if tells else ""
    wanted = ""
    if status == 401:
        # Whoever signs in now comes back to the page that they asked for.
        wanted = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method in SAFE else "/"
    return page(request, "said.html.j2", status=status, title=title, why=why, wanted=wanted)


def _told(request: AnyRequest, error: GraderError) -> Response[Any]:
    """What a use case says; the hint at the end of its message is for commands, and left out."""
    if problems.is_for_programs(request):
        return problems.told(request, error)
    status = _status(request, error)
    if status == 404:
        # What is near to a name that is not there would tell names to whoever grades blind.
        return page(request, "said.html.j2", status=status, title=_SAID[status], why="")
    details = [("expected", error.expected), ("found", error.found)]
    if isinstance(error, DamagedRow):
        # It may show what a student is called, to whoever grades blind.
        log_failure(request.scope, error)
        details = []
    answer = page(
        request,
        "said.html.j2",
        status=status,
        title=_SAID.get(status, "This cannot be done"),
        why=error.what,
        details=[(label, text) for label, text in details if text],
    )
    if isinstance(error, StoreUnavailable):
        answer.headers["retry-after"] = _RETRY_S
    if isinstance(error, UploadError):
        # What is still on its way is not read any more.
        answer.headers["connection"] = "close"
    return answer


def _status(request: AnyRequest, error: GraderError) -> int:
    if isinstance(error, UploadError):
        return error.status
    if isinstance(error, LetGoError):
        return 410
    if isinstance(error, SetUpError):
        return 503
    if isinstance(error, UsageError) and request.method not in SAFE:
        return 422
    if isinstance(error, NotRunYet):
        return 409
    return 404 if isinstance(error, UsageError) else 500


def _failed(request: AnyRequest, error: Exception) -> Response[Any]:
    """Our own mistake, or a damaged row's: where it was goes to the log, its words to nobody's screen."""
    if problems.is_for_programs(request):
        return problems.failed(request, error)
    name = course_named_in(request)
    site = server_of(request).sites.get(name) if name is not None else None
    with suppress(GraderError):
        told = site.store.explain(error) if site is not None else None
        if told is not None:
            return _told(request, told)
    log_failure(request.scope, error)
    return page(
        request,
        "said.html.j2",
        status=500,
        title="Something went wrong here",
        why="Nothing was written. The server's log says what it was.",
    )
