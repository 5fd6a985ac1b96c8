"""Signing in by an identity provider: there, and back."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Any

from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, NotFoundException, TooManyRequestsException
from litestar.params import FromQuery
from litestar.response import Redirect

from grader.store.signed_in import Comer, OidcRequest
from grader.web.guards import permits
from grader.web.limits import LINKS, SENT
from grader.web.oidc import Oidc, OidcError
from grader.web.pages.entering import enter, own_path
from grader.web.rendering import page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, Place, Server, address_of, server_of
from grader.workflows.accounts.identities import account_for

__all__ = ["ROUTES"]

#: How long somebody may take to sign in over there.
_LASTS = timedelta(minutes=10)
_BACK = "/oidc/back"

_log = logging.getLogger("grader.web")


@get("/oidc/start", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def start(request: AnyRequest, next: FromQuery[str] = "") -> Redirect:
    """Sends a browser to the provider, with what it has to bring back."""
    server = server_of(request)
    oidc = _provider(server)
    if not server.tries.take((SENT, ("sent", address_of(request)))):
        raise TooManyRequestsException("so many were sent to sign in from here; wait a minute")
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    try:
        url = oidc.way_out(_back(server.place), state=state, nonce=nonce, verifier=verifier)
    except OidcError as error:
        raise _failed(error) from error
    asked = OidcRequest(nonce=nonce, verifier=verifier, next=own_path(next))
    store = server.home.store
    store.signed_in.keep_oidc(state, browser, asked, store.clock() + _LASTS)
    answer = see_other(url)
    answer.set_cookie(_cookie(server.place, browser, int(_LASTS.total_seconds())))
    return answer


@get(_BACK, opt=permits(Permission.PUBLIC), sync_to_thread=True)
def back(request: AnyRequest, code: FromQuery[str] = "", iss: FromQuery[str] = "") -> Response[Any]:
    """Signs in whom the provider vouches for, if there is an account for them that is in a course."""
    server = server_of(request)
    oidc = _provider(server)
    if not server.tries.take((LINKS, ("back", address_of(request)))):
        raise TooManyRequestsException("too many tries; wait a minute")
    # Not an argument: the framework has something else by this name.
    state = request.query_params.get("state", "")
    browser = request.cookies.get(_name(server.place), "")
    asked = server.home.store.signed_in.use_oidc(state, browser)
    if asked is None or not code or not oidc.is_own(iss):
        raise NotAuthorizedException("this way back was used already, or is not yours; sign in again")
    try:
        identity = oidc.who(_back(server.place), code=code, nonce=asked.nonce, verifier=asked.verifier)
    except OidcError as error:
        raise _failed(error) from error
    # Whom the provider vouches for has guessed nothing, whether they are in a course or not.
    server.tries.give_back(("back", address_of(request)))
    account = account_for(server.home.store, identity, oidc.settings.match)
    if account is None or not server.home.store.accounts.enrolments(account.id):
        return page(request, "stranger.html.j2", status=403)
    answer = enter(request, Comer(account=account.id), asked.next)
    answer.set_cookie(_cookie(server.place, "", 0))
    return answer


def _provider(server: Server) -> Oidc:
    if server.oidc is None:
        raise NotFoundException
    return server.oidc


def _failed(error: OidcError) -> NotAuthorizedException:
    """What the provider said goes to the log and to nobody's screen."""
    _log.warning("%s: %s", error.what, error.found or "")
    return NotAuthorizedException("signing in over there did not go through; try again")


def _back(place: Place) -> str:
    return place.origins[0] + _BACK


def _name(place: Place) -> str:
    return f"{place.cookie}-oidc"


def _cookie(place: Place, browser: str, seconds: int) -> Cookie:
    return Cookie(
        key=_name(place),
        value=browser,
        path="/",
        max_age=seconds,
        httponly=True,
        secure=place.is_encrypted,
        samesite="lax",
    )


ROUTES = (start, back)
