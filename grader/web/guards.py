"""Asked at every request, before its route: is it for us, who is it, may they, and was the form ours.

Nothing has to be remembered on a route but its permission, and for programs its scope; an application in
which one lacks it does not start. All that is refused here is refused for every address alike.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

from litestar import Litestar, MediaType, Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from grader.errors import SetUpError
from grader.web.addresses import API_PATH, COURSE_PATHS, below_course
from grader.web.bearers import SAFE, check_body, check_scope, check_wanted, come_in
from grader.web.limits import FORMS, WORKER_TOKENS
from grader.web.roles import Permission, may
from grader.web.sessions import Session
from grader.web.site import (
    WORKER,
    AnyRequest,
    Place,
    Server,
    address_of,
    course_named_in,
    is_loopback,
    keep_link,
    server_of,
)
from grader.web.uploads import begin_upload, is_upload
from grader.workflows.accounts.tokens import Scope

__all__ = [
    "SAFE",
    "guard",
    "handlers_of",
    "permission_of",
    "permits",
    "permits_programs",
    "require_permissions",
    "scope_of",
]

_PERMISSION, _SCOPE, _FROM_ELSEWHERE = "permission", "scope", "from_elsewhere"
#: What a route below no course may ask for: roles are held in courses.
_OF_THE_SERVER = (Permission.PUBLIC, Permission.SIGNED_IN, Permission.LINK, Permission.WATCH, Permission.WORK)


def permits(permission: Permission, *, from_elsewhere: bool = False) -> dict[str, Any]:
    """What a route declares: ``@get("/x", opt=permits(Permission.MARK))``.

    Args:
        permission: Which one.
        from_elsewhere: Whether other sites send forms to it, as course systems do. It is for everybody then,
            and what it takes proves by itself whose it is.
    """
    return {_PERMISSION: permission, _FROM_ELSEWHERE: from_elsewhere}


def permits_programs(permission: Permission, scope: Scope, **told: Any) -> dict[str, Any]:
    """What a route of the API declares.

    Args:
        permission: What the role of whoever asks has to have.
        scope: What their token has to be for.
        told: What the documents say of it besides.
    """
    return {_PERMISSION: permission, _SCOPE: scope, **told}


def scope_of(handler: BaseRouteHandler) -> Scope | None:
    declared = handler.opt.get(_SCOPE)
    return declared if isinstance(declared, Scope) else None


def permission_of(handler: BaseRouteHandler) -> Permission | None:
    declared = handler.opt.get(_PERMISSION)
    return declared if isinstance(declared, Permission) else None


def handlers_of(app: Litestar) -> Iterable[tuple[str, HTTPRouteHandler]]:
    """The route table: each path with what answers there, but for OPTIONS, which the framework answers."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise SetUpError("a route of the web application is none of HTTP", where=route.path)
        for handler in route.route_handlers:
            if handler.http_methods != {"OPTIONS"}:
                yield route.path, handler


def require_permissions(app: Litestar) -> None:
    """Refuses an application with a route that says nothing of who may come.

    One path has one handler: the framework would wrap those that run in a thread twice.

    Raises:
        SetUpError: Names each such route, or one below no course that asks for a role, or one of the API
            without a scope.
    """
    paths = [path for path, _ in handlers_of(app)]
    if len(paths) > len(set(paths)):
        twice = sorted(path for path in set(paths) if paths.count(path) > 1)
        raise SetUpError("a path of the web application has two handlers", where=", ".join(twice))
    lacking = [
        f"{'/'.join(sorted(handler.http_methods))} {path}"
        for path, handler in handlers_of(app)
        if permission_of(handler) is None
    ]
    if lacking:
        raise SetUpError(
            "the web application does not start: a route declares no permission",
            where=", ".join(lacking),
            expected="opt=permits(Permission...) on every route",
        )
    open_to_others = [
        path
        for path, handler in handlers_of(app)
        if handler.opt.get(_FROM_ELSEWHERE) and permission_of(handler) is not Permission.PUBLIC
    ]
    if open_to_others:
        raise SetUpError(
            "the web application does not start: a route that needs a session takes forms of other sites",
            where=", ".join(open_to_others),
        )
    beside = [
        path
        for path, handler in handlers_of(app)
        if not path.startswith(COURSE_PATHS) and permission_of(handler) not in _OF_THE_SERVER
    ]
    if beside:
        raise SetUpError(
            "the web application does not start: a route below no course asks for a role in one",
            where=", ".join(beside),
            expected=f"a path below {' or '.join(COURSE_PATHS)}",
        )
    unscoped = [
        path
        for path, handler in handlers_of(app)
        if (scope_of(handler) is not None) != _is_for_programs(path, handler)
    ]
    if unscoped:
        raise SetUpError(
            "the web application does not start: a route of the API declares no scope, or another one does",
            where=", ".join(unscoped),
            expected=f"opt=permits_programs(...) on every route below {API_PATH} that is not for everybody",
        )


def _is_for_programs(path: str, handler: BaseRouteHandler) -> bool:
    """Whether a route takes tokens."""
    return path.startswith(f"{API_PATH}/") and permission_of(handler) is not Permission.PUBLIC


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Lets a request through to its route, or ends it."""
    request = connection
    assert isinstance(request, Request)
    server, course = server_of(request), course_named_in(request)
    below_course(course)
    _check_host(request, server.place)
    permission = permission_of(handler)
    if request.method == "OPTIONS" and request.url.path.startswith(f"{API_PATH}/"):
        # Which methods a path of the API takes is in its description.
        return
    if permission is None:
        raise PermissionDeniedException("this route declares no permission")
    if permission is Permission.PUBLIC:
        if course is not None and course not in server.sites:
            raise NotFoundException
        if request.method not in SAFE and not handler.opt.get(_FROM_ELSEWHERE):
            # No session whose token a form could carry: the browser has to say where it is from.
            _check_origin(request, server.place, said=True)
        return
    if permission is Permission.WATCH:
        _check_watcher(request, server)
        return
    if permission is Permission.WORK:
        await _check_worker(request, server)
        return
    if permission is Permission.LINK:
        await _check_link(request, server)
        return
    scope = scope_of(handler)
    if scope is not None:
        _check_person(server, await come_in(request), course, permission)
        check_scope(request, scope)
        await _check_exchange(request, handler)
        return
    session = await sync_to_thread(server.session_of, request)
    _check_person(server, session, course, permission)
    if request.method not in SAFE:
        _check_origin(request, server.place)
        await _check_form(request, session, brings_file=is_upload(handler.opt))


async def _check_exchange(request: AnyRequest, handler: BaseRouteHandler) -> None:
    """What is sent and what is wanted, of a request of the API."""
    assert isinstance(handler, HTTPRouteHandler)
    media_type = handler.media_type or MediaType.JSON
    check_wanted(request, media_type.value if isinstance(media_type, MediaType) else media_type)
    if request.method not in SAFE:
        await check_body(request)


def _check_watcher(request: AnyRequest, server: Server) -> None:
    """By the token; where there is none, whoever is on this machine, unless others come through a proxy."""
    if server.watch_token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {server.watch_token}".encode()):
            raise NotAuthorizedException("this needs the token of whoever watches the server")
    elif not (server.place.is_this_machine and is_loopback(request.client.host if request.client else "")):
        raise NotAuthorizedException("this needs a token, and the server was started without one")


async def _check_link(request: AnyRequest, server: Server) -> None:
    """Whoever has a link to hand in by; what they send has to come from its own page."""
    link = await sync_to_thread(keep_link, request)
    if request.method not in SAFE:
        _check_origin(request, server.place, said=True)
        await begin_upload(request, lambda token: token == link.digest)


async def _check_worker(request: AnyRequest, server: Server) -> None:
    """By its token alone: no cookie counts, so that no other site can make a browser ask."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    # Counted before it is looked at, so that many at once guess no faster than one after another.
    key = (WORKER_TOKENS, ("worker", address_of(request)))
    if not server.tries.take(key):
        raise TooManyRequestsException("so many tokens that are none; wait a minute")
    worker = None
    if kind.lower() == "bearer" and secret:
        worker = await sync_to_thread(server.home.store.workers.of, secret.strip())
    if worker is None:
        raise NotAuthorizedException("this needs the token of a worker")
    server.tries.give_back(key[1])
    request.scope["state"][WORKER] = worker


def _check_person(
    server: Server, session: Session | None, course: str | None, permission: Permission
) -> None:
    """Whether they may. A course that they are not in and one that is not there are refused alike."""
    if session is None:
        raise NotAuthorizedException("nobody is signed in here")
    if course is None:
        return
    role = session.role_in(course)
    if role is None or course not in server.sites:
        raise NotFoundException
    if not may(role, permission):
        raise PermissionDeniedException(
            f"as {role.value.replace('-', ' ')} you may not {permission.value} here"
        )


async def _check_form(request: AnyRequest, session: Session | None, *, brings_file: bool) -> None:
    if session is not None and brings_file:
        # Read no further than its token, so that a file of a forged form is never looked at.
        await begin_upload(request, session.is_own_form)
    else:
        token = (await request.form()).get("form_token", "")
        if session is None or not isinstance(token, str) or not session.is_own_form(token):
            raise PermissionDeniedException(
                "this form was not made by this server for you; load the page again"
            )
    if not server_of(request).tries.take((FORMS, ("form", session.form_token))):
        raise TooManyRequestsException("so many forms within a minute are sent by no person; wait a moment")


def _check_host(request: AnyRequest, place: Place) -> None:
    """A name that somebody else pointed at this machine must not read what is here."""
    if request.headers.get("host", "") not in place.hosts:
        raise HTTPException(
            f"this server is {' or '.join(place.origins)}, and was called by another name", status_code=421
        )


def _check_origin(request: AnyRequest, place: Place, *, said: bool = False) -> None:
    """What browsers say of where a form came from, where they say it; with `said` they have to."""
    origin, fetched_from = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    if (
        (said and origin is None)
        or (origin is not None and origin not in place.origins)
        or fetched_from != "same-origin"
    ):
        raise PermissionDeniedException("this form came from another site")
