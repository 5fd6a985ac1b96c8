"""One's own account, below no course: the password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import FromQuery

from grader.errors import UsageError
from grader.store.accounts import AccountRecord
from grader.store.signed_in import Comer
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.limits import PASSWORDS
from grader.web.pages.entering import enter
from grader.web.rendering import page, see_other
from grader.web.roles import Permission
from grader.web.sessions import Session
from grader.web.site import AnyRequest, address_of, server_of
from grader.workflows.accounts.passwords import SHORTEST, require_good
from grader.workflows.accounts.people import set_password
from grader.workflows.accounts.signing_in import right_password

__all__ = ["ROUTES"]

_DONE = {
    "password": "Your password is changed, and you are signed out everywhere else.",
    "sessions": "You are signed out there.",
}


@get("/account", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
def own(request: AnyRequest, done: FromQuery[str] = "") -> Response[str]:
    return _own(request, done=_DONE.get(done, ""))


@post("/account/password", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
def password(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Changes it for whoever knows the old one, as often as they might try to sign in."""
    server, account = server_of(request), _account(request)
    if not account.password:
        raise FormError("this account has no password; ask for a link to choose one")
    address = address_of(request)
    keys = (("pair", account.login, address), ("account", account.login), ("address", address))
    if not server.tries.take(*zip(PASSWORDS, keys, strict=True)):
        raise TooManyRequestsException("too many tries; wait a quarter of an hour, or ask for a link")
    if right_password(server.home.store, account.login, form.exact("old")) is None:
        return _own(request, said="this is not your password now")
    server.tries.give_back(*keys)
    new = form.exact("password")
    if new != form.exact("again"):
        return _own(request, said="these are two passwords; write one twice")
    try:
        require_good(new, account.login)
    except UsageError as error:
        return _own(request, said=f"{error.what}: {error.expected}")
    set_password(server.home.store, account, new)
    return enter(request, Comer(account=account.id), "/account?done=password")


@post("/account/sessions", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
def sessions(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Signs out one of one's other sessions, or all of them."""
    server, account = server_of(request), _account(request)
    only = form.text("session")
    if not only and form.text("step") != "all":
        raise FormError("this form asks for nothing that can be done here")
    server.sessions.leave_others(account.id, _cookie(request), only)
    return see_other("/account?done=sessions")


def _session(request: AnyRequest) -> Session:
    session = server_of(request).session_of(request)
    if session is None:
        raise NotAuthorizedException("nobody is signed in here")
    return session


def _account(request: AnyRequest) -> AccountRecord:
    """Whose account it is.

    Raises:
        FormError: They came by a link of the server's own, and have none.
    """
    number = _session(request).account
    account = None if number is None else server_of(request).home.store.accounts.by_id(number)
    if account is None:
        raise FormError("you came by a link, and have no account here")
    return account


def _cookie(request: AnyRequest) -> str:
    return request.cookies.get(server_of(request).place.cookie, "")


def _own(request: AnyRequest, *, said: str = "", done: str = "") -> Response[str]:
    server, session = server_of(request), _session(request)
    account = None if session.account is None else server.home.store.accounts.by_id(session.account)
    open_ = server.sessions.all_of(account.id, _cookie(request)) if account else []
    return page(
        request,
        "account.html.j2",
        status=422 if said else 200,
        account=account,
        open=open_,
        shortest=SHORTEST,
        said=said,
        done=done,
    )


ROUTES = (own, password, sessions)
