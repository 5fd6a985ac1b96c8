"""Signing in by password or by a link that works once, and out again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import FromQuery
from litestar.response import Redirect

from grader.errors import UsageError
from grader.store.signed_in import Comer
from grader.web.forms import Form
from grader.web.guards import permits
from grader.web.limits import LINKS, PASSWORDS
from grader.web.rendering import page, see_other
from grader.web.roles import Permission
from grader.web.sessions import LASTS
from grader.web.site import AnyRequest, Place, Server, address_of, server_of
from grader.workflows.accounts.passwords import SHORTEST, require_good
from grader.workflows.accounts.people import set_password
from grader.workflows.accounts.signing_in import right_password

__all__ = ["ROUTES", "enter", "own_path"]

_USED = "this link was used already, or it is none; each works once"
#: Of a name: no account has a longer one.
_LONGEST = 64


@get("/login", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def login(request: AnyRequest, token: FromQuery[str] = "", next: FromQuery[str] = "") -> Response[Any]:
    """The form; with a link, who it is for.

    A link that the server itself printed signs in at once, as its reader has it from the screen. One for an
    account may have come by mail, where programs look at links before people do: it asks for a press.
    """
    server = server_of(request)
    if not token:
        return page(request, "login.html.j2", next=own_path(next))
    comer = _looked_at(request, server, token)
    if comer.account is not None:
        return _link_page(request, server, token, comer)
    return enter(request, _used(server, token))


@post("/login/link", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def by_link(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Uses the link of an account up, with the password that was chosen, if it is for that."""
    server, token = server_of(request), form.text("token")
    comer = _looked_at(request, server, token)
    if not comer.sets_password:
        return enter(request, _used(server, token))
    account = server.home.store.accounts.by_id(comer.account or 0)
    if account is None:
        raise NotAuthorizedException(_USED)
    password = form.exact("password")
    if password != form.exact("again"):
        return _link_page(request, server, token, comer, said="these are two passwords; write one twice")
    try:
        require_good(password, account.login)
    except UsageError as error:
        return _link_page(request, server, token, comer, said=f"{error.what}: {error.expected}")
    used = _used(server, token)
    set_password(server.home.store, account, password)
    return enter(request, used)


@post("/login/password", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def by_password(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Signs in by name and password; what was wrong, or whether there is such a name, is not told."""
    server, typed, next = server_of(request), form.text("login"), own_path(form.text("next"))
    name, address = typed.casefold()[:_LONGEST], address_of(request)
    keys = (("pair", name, address), ("account", name), ("address", address))
    if not server.tries.take(*zip(PASSWORDS, keys, strict=True)):
        raise TooManyRequestsException("too many tries; wait a quarter of an hour, or ask for a link")
    account = right_password(server.home.store, typed, form.exact("password"))
    if account is None:
        said = "this name and this password do not belong together"
        return page(request, "login.html.j2", status=401, next=next, typed=typed[:_LONGEST], said=said)
    server.tries.give_back(*keys)
    return enter(request, Comer(account=account.id), next)


@post("/logout", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
def logout(request: AnyRequest) -> Response[Any]:
    server = server_of(request)
    server.sessions.leave(request.cookies.get(server.place.cookie))
    answer = see_other("/")
    answer.set_cookie(_cookie(server.place, "", 0))
    return answer


def enter(request: AnyRequest, comer: Comer, next: str = "/") -> Redirect:
    """Signs in who has shown who they are; whoever was signed in here before is signed out."""
    server = server_of(request)
    server.sessions.leave(request.cookies.get(server.place.cookie))
    answer = see_other(next)
    answer.set_cookie(_cookie(server.place, server.sessions.begin(comer), int(LASTS.total_seconds())))
    return answer


def own_path(next: str) -> str:
    """Where somebody wanted to go, if it is a page of ours; else the first one."""
    parts = urlsplit(next)
    is_ours = next.startswith("/") and not next.startswith("//") and not parts.scheme and not parts.netloc
    plain = next.isascii() and next.isprintable() and "\\" not in next
    return next if is_ours and plain and not next.startswith(("/login", "/logout", "/oidc", "/lti")) else "/"


def _looked_at(request: AnyRequest, server: Server, token: str) -> Comer:
    """Whom a link is for, as long as few failed from this address."""
    key = ("link", address_of(request))
    if not server.tries.take((LINKS, key)):
        raise TooManyRequestsException("ten links failed within a minute; wait for another minute")
    comer = server.sessions.link(token)
    if comer is None:
        raise NotAuthorizedException(_USED)
    server.tries.give_back(key)
    return comer


def _used(server: Server, token: str) -> Comer:
    comer = server.sessions.use_link(token)
    if comer is None:
        raise NotAuthorizedException(_USED)
    return comer


def _link_page(
    request: AnyRequest, server: Server, token: str, comer: Comer, *, said: str = ""
) -> Response[str]:
    account = server.home.store.accounts.by_id(comer.account or 0)
    if account is None:
        raise NotAuthorizedException(_USED)
    return page(
        request,
        "link.html.j2",
        status=422 if said else 200,
        token=token,
        login=account.login,
        sets_password=comer.sets_password,
        shortest=SHORTEST,
        said=said,
    )


def _cookie(place: Place, id: str, seconds: int) -> Cookie:
    return Cookie(
        key=place.cookie,
        value=id,
        path="/",
        max_age=seconds,
        httponly=True,
        secure=place.is_encrypted,
        samesite="lax",
    )


ROUTES = (login, by_link, by_password, logout)
