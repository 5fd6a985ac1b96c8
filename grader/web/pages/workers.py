"""Who runs notebooks: which workers live and what they do; tokens made, drained and revoked."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException

from grader.errors import UsageError
from grader.web.asking import Asking, asking
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, may
from grader.web.site import AnyRequest, server_of
from grader.workflows.leasing.workers import let_in, workers_view

__all__ = ["ROUTES"]


@get("/workers", opt=permits(Permission.READ_QUEUE), sync_to_thread=True)
def workers(request: AnyRequest) -> Response[str]:
    """Hosts and processes that run notebooks, what they have, and since when they are silent."""
    return _workers(request, asking(request))


@post("/workers/let-in", opt=permits(Permission.KEEP_WORKERS), sync_to_thread=True)
def come_in(request: AnyRequest, form: NamedDependency[Form]) -> Response[str]:
    """Makes a token, which this answer alone shows."""
    who = _keeper(request)
    name = form.text("name")
    try:
        token = let_in(server_of(request).home.store, name, actor=who.name)
    except UsageError as error:
        return _workers(request, who, said=error.what, typed=form)
    return page(
        request, "worker_token.html.j2", name=name, token=token, origin=server_of(request).place.origins[0]
    )


@post("/workers/change", opt=permits(Permission.KEEP_WORKERS), sync_to_thread=True)
def change(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Drains a worker, lets it take work again, or ends its token for good."""
    who = _keeper(request)
    known, name, step = server_of(request).home.store.workers, form.text("name"), form.text("step")
    try:
        if step in ("drain", "undo"):
            known.drain(name, draining=step == "drain")
        elif step == "revoke":
            known.revoke(name, who.name)
        else:
            raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    except UsageError as error:
        return _workers(request, who, said=error.what, typed=form)
    return see_other(address("workers"))


def _keeper(request: AnyRequest) -> Asking:
    """Who asks, where they may say who gets notebooks of every course that this server shows.

    Raises:
        PermissionDeniedException: There is a course in which they may not.
    """
    if not _keeps(request):
        raise PermissionDeniedException(
            "a worker gets notebooks of every course of this server, and you may not let workers in for all"
            " of them"
        )
    return asking(request)


def _keeps(request: AnyRequest) -> bool:
    server = server_of(request)
    session = server.session_of(request)
    return session is not None and all(
        may(session.role_in(name), Permission.KEEP_WORKERS) and session.role_in(name) is not None
        for name in server.sites
    )


def _workers(request: AnyRequest, who: Asking, *, said: str = "", typed: Form | None = None) -> Response[str]:
    home = server_of(request).home.store
    return page(
        request,
        "workers.html.j2",
        status=422 if said else 200,
        workers=workers_view(who.store, home, anonymous=who.blind),
        keeps=_keeps(request),
        origin=server_of(request).place.origins[0],
        said=said,
        typed=typed.text if typed else lambda name: "",
    )


ROUTES = (workers, come_in, change)
