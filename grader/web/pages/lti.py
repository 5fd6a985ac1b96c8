"""Coming from a course system by LTI 1.3: there and back, and links to assignments for it.

A browser that is in a frame opens a tab, in which cookies are our own: it is sent on from there, and has to
show on its way back that it is the one that was sent. No cookie is needed across sites.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import HttpMethod, Response, get, post, route
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, NotFoundException, TooManyRequestsException
from litestar.params import FromQuery
from litestar.response import Redirect

from grader.store.arrivals import Arrival, LtiRequest
from grader.store.platforms import PlatformRecord
from grader.store.signed_in import Comer, hashed
from grader.web.addresses import server_address
from grader.web.forms import Form
from grader.web.guards import permits
from grader.web.headers import framed_policy
from grader.web.limits import LINKS, SENT
from grader.web.pages.entering import enter, own_path
from grader.web.rendering import page, see_other
from grader.web.roles import Permission, Role, may
from grader.web.site import AnyRequest, Place, Server, address_of, server_of
from grader.workflows.lti.asking import PlatformError
from grader.workflows.lti.launching import Brought, NotConnected, bring
from grader.workflows.lti.linking import choices, settings_of
from grader.workflows.lti.messages import LaunchError, Message, believed
from grader.workflows.lti.persons import Stranger
from grader.workflows.lti.tool_keys import tool_keys

__all__ = ["ROUTES"]

#: How long somebody may take to come back.
_LASTS = timedelta(minutes=10)
_LAUNCH, _DEEP = "/lti/launch", "/lti/deep"
#: What a course system begins with.
_TOLD = ("iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id", "lti_deployment_id")
_OVER = "this way in was used already, took too long, or is not yours; open the link in the course again"

_log = logging.getLogger("grader.web")


@route(
    "/lti/login",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    opt=permits(Permission.PUBLIC, from_elsewhere=True),
    sync_to_thread=True,
)
def login(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """A course system sends a browser; it is sent back there to say who it is, from a tab of its own."""
    server = server_of(request)
    told = {name: form.text(name) or request.query_params.get(name, "") for name in _TOLD}
    platforms = server.home.store.platforms.of(told["iss"], told["client_id"])
    if not told["login_hint"] or len({each.client_id for each in platforms}) != 1:
        raise NotFoundException
    if not server.tries.take((SENT, ("lti", address_of(request)))):
        raise TooManyRequestsException("so many were sent to sign in from here; wait a minute")
    deep = urlsplit(told["target_link_uri"]).path == _DEEP
    # Browsers that do not say what they load may be in a frame as well.
    if not deep and request.headers.get("sec-fetch-dest") != "document":
        given = urlencode({name: text for name, text in told.items() if text})
        return _framed(request, platforms, "lti_open.html.j2", open_at=f"/lti/login?{given}")
    return _sent(request, server, platforms[0], told, deep=deep)


def _sent(
    request: AnyRequest, server: Server, platform: PlatformRecord, told: Mapping[str, str], *, deep: bool
) -> Redirect:
    state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    # A browser may be on its way with several tabs at once.
    browser = request.cookies.get(_name(server.place)) or secrets.token_urlsafe(32)
    store = server.home.store
    asked = LtiRequest(
        browser="" if deep else hashed(browser),
        nonce=nonce,
        issuer=platform.issuer,
        client_id=platform.client_id,
        deep=deep,
    )
    store.arrivals.keep_request(state, asked, store.clock() + _LASTS)
    sent = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": server.place.origins[0] + (_DEEP if deep else _LAUNCH),
        "login_hint": told["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if told["lti_message_hint"]:
        sent["lti_message_hint"] = told["lti_message_hint"]
    joined = "&" if urlsplit(platform.auth_url).query else "?"
    answer = see_other(f"{platform.auth_url}{joined}{urlencode(sent)}")
    if not deep:
        answer.set_cookie(_cookie(server.place, browser))
    return answer


@post(_LAUNCH, opt=permits(Permission.PUBLIC, from_elsewhere=True), sync_to_thread=True)
def launch(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Whom the course system vouches for; the browser has yet to show that it is the one that was sent.

    It cannot here: browsers bring no cookie along with another site's form, but they do on the way on.
    """
    server = server_of(request)
    asked, message, platform = _come(request, server, form, deep=False)
    found = bring(server.home.store, _stores(server), platform, message)
    if not isinstance(found, Brought):
        return _refused(request, found)
    store, ticket = server.home.store, secrets.token_urlsafe(32)
    arrival = Arrival(account=found.account.id, next=_where(server, found))
    store.arrivals.keep(ticket, asked.browser, arrival, store.clock() + _LASTS)
    return see_other(f"/lti/enter?ticket={ticket}")


@get("/lti/enter", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def come_in(request: AnyRequest, ticket: FromQuery[str] = "") -> Redirect:
    """Signs in who was vouched for, in the browser that was sent."""
    server, key = server_of(request), ("lti-enter", address_of(request))
    if not server.tries.take((LINKS, key)):
        raise TooManyRequestsException("too many tries; wait a minute")
    browser = request.cookies.get(_name(server.place), "")
    found = server.home.store.arrivals.use(ticket, browser)
    if found is None:
        raise NotAuthorizedException(
            _OVER if browser else "your browser kept no cookie of this page, without which nobody can sign in"
        )
    server.tries.give_back(key)
    return enter(request, Comer(account=found.account), own_path(found.next))


@post(_DEEP, opt=permits(Permission.PUBLIC, from_elsewhere=True), sync_to_thread=True)
def choose(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """The course's assignments, each with a button that gives the course system a link to it.

    In a frame, as course systems wait for the answer in it: so nobody is signed in by this.
    """
    server = server_of(request)
    _, message, platform = _come(request, server, form, deep=True)
    try:
        settings = settings_of(platform, message)
    except LaunchError as error:
        raise _failed(error) from error
    found = bring(server.home.store, _stores(server), platform, message)
    if not isinstance(found, Brought):
        return _refused(request, found, [platform])
    if not may(_role(server, found), Permission.READ_WORK):
        return _framed(request, [platform], "lti_stranger.html.j2", status=403, why="teaching")
    store = server.home.store
    offered = choices(
        server.sites[found.course].store,
        server.sites[found.course].places,
        server.place.origins[0],
        platform,
        settings,
        tool_keys(store),
        int(store.clock().timestamp()),
    )
    return _framed(
        request, [platform], "lti_deep.html.j2", offered=offered, back=settings.deep_link_return_url
    )


@get("/lti/jwks", opt=permits(Permission.PUBLIC), sync_to_thread=True)
def jwks(request: AnyRequest) -> Response[Any]:
    """Our public keys."""
    return Response(tool_keys(server_of(request).home.store).public(), media_type="application/json")


def _come(
    request: AnyRequest, server: Server, form: Form, *, deep: bool
) -> tuple[LtiRequest, Message, PlatformRecord]:
    """What a browser brings from the course system: with a state that works once, and a token to believe."""
    key, store = ("lti-launch", address_of(request)), server.home.store
    if not server.tries.take((LINKS, key)):
        raise TooManyRequestsException("too many tries; wait a minute")
    asked = store.arrivals.use_request(form.text("state"))
    if asked is None or asked.deep is not deep:
        raise NotAuthorizedException(_OVER)
    platforms = store.platforms.of(asked.issuer, asked.client_id)
    try:
        message, platform = believed(
            form.text("id_token"), asked, platforms, server.platform_keys, store.clock
        )
    except (LaunchError, PlatformError) as error:
        raise _failed(error) from error
    server.tries.give_back(key)
    return asked, message, platform


def _failed(error: LaunchError | PlatformError) -> NotAuthorizedException:
    """What was wrong goes to the log and to nobody's screen."""
    _log.warning("a launch was refused: %s: %s", error.what, error.found or "")
    return NotAuthorizedException("what the course system sent cannot be believed; open the link there again")


def _refused(
    request: AnyRequest, found: Stranger | NotConnected, frame: list[PlatformRecord] | None = None
) -> Response[str]:
    why = "connected" if isinstance(found, NotConnected) else found.why.value
    return _framed(request, frame or [], "lti_stranger.html.j2", status=403, why=why, found=found)


def _framed(
    request: AnyRequest, platforms: list[PlatformRecord], template: str, *, status: int = 200, **context: Any
) -> Response[str]:
    """A page that these platforms may show in a frame; without any, nobody may."""
    answer = page(request, template, status=status, **context)
    origins = sorted({origin for platform in platforms for origin in platform.origins})
    if origins:
        answer.headers["content-security-policy"] = framed_policy(origins)
    return answer


def _stores(server: Server) -> dict[str, Any]:
    return {name: site.store for name, site in server.sites.items()}


def _role(server: Server, found: Brought) -> Role | None:
    enrolment = server.home.store.accounts.enrolments(found.account.id).get(found.course)
    return Role(enrolment.role) if enrolment is not None and enrolment.role in list(Role) else None


def _where(server: Server, found: Brought) -> str:
    """The page that a link is about, for whom it is."""
    role = _role(server, found)
    if found.assignment and may(role, Permission.READ_WORK):
        return server_address("c", found.course, "a", found.assignment, "waiting")
    if found.assignment and may(role, Permission.OWN_WORK):
        return server_address("c", found.course, "my", found.assignment, "hand-in")
    return server_address("c", found.course)


def _name(place: Place) -> str:
    return f"{place.cookie}-lti"


def _cookie(place: Place, browser: str) -> Cookie:
    return Cookie(
        key=_name(place),
        value=browser,
        path="/",
        max_age=int(_LASTS.total_seconds()),
        httponly=True,
        secure=place.is_encrypted,
        samesite="lax",
    )


ROUTES = (login, launch, come_in, choose, jwks)
