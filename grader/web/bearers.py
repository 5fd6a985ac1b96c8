"""Who asks by a token: programs, which have no cookies, so that no other site can make them ask anything.

A browser that is signed in may read the API as well; it writes nothing there.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from litestar.concurrency import sync_to_thread
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)

from grader.store.api_tokens import Bearer, TokenRecord
from grader.web.limits import ASKED, TOKENS, Limit
from grader.web.sessions import Session
from grader.web.site import AnyRequest, Server, address_of, keep_session, server_of
from grader.workflows.accounts.tokens import Scope

__all__ = ["SAFE", "check_body", "check_scope", "check_wanted", "come_in", "token_of"]

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_TOKEN = "grader_token"  # noqa: S105 - where it is kept, not what it is
_JSON = "application/json"
#: Objects and lists within each other; ours have three.
_DEEPEST = 16
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


async def come_in(request: AnyRequest) -> Session | None:
    """Who asks; None where nobody says so.

    Raises:
        NotAuthorizedException: What they brought is no token, or has ended; or they write by a cookie.
        TooManyRequestsException: So many asked from there, or by this token, within a minute.
    """
    server, given = server_of(request), request.headers.get("authorization", "")
    session: Session | None
    if given:
        session = await _by_token(request, server, given)
    elif request.method in SAFE:
        session = await sync_to_thread(server.session_of, request)
    else:
        raise _nobody("a write needs a token; cookies count for nothing here")
    if session is None:
        raise _nobody("this needs a token")
    token = token_of(request)
    _take(server, ASKED, ("asked", str(token.id) if token else session.form_token))
    return session


async def _by_token(request: AnyRequest, server: Server, given: str) -> Session:
    kind, _, secret = given.partition(" ")
    # Counted before it is looked at, so that many at once guess no faster than one after another.
    key = ("token", address_of(request))
    _take(server, TOKENS, key)
    bearer = None
    if kind.lower() == "bearer" and secret.strip():
        bearer = await sync_to_thread(server.home.store.api_tokens.of, secret.strip())
    if bearer is None:
        raise _nobody("this token is none, or it has ended", error="invalid_token")
    server.tries.give_back(key)
    request.scope["state"][_TOKEN] = bearer.token
    session = _session(bearer)
    keep_session(request, session)
    return session


def _session(bearer: Bearer) -> Session:
    return Session(
        name=bearer.token.login,
        # Of no form: nobody knows it.
        form_token=secrets.token_urlsafe(32),
        until=bearer.token.until or _FOR_EVER,
        account=bearer.account,
        everywhere=None,
        enrolments=bearer.enrolments,
    )


def token_of(request: AnyRequest) -> TokenRecord | None:
    """By which token they ask; None for a browser."""
    token: TokenRecord | None = request.scope["state"].get(_TOKEN)
    return token


def _take(server: Server, limit: Limit, key: tuple[str, ...]) -> None:
    if not server.tries.take((limit, key)):
        raise TooManyRequestsException(
            "so many requests within a minute are too many",
            headers={"retry-after": str(server.tries.free_in(limit, key))},
        )


def _nobody(why: str, error: str = "") -> NotAuthorizedException:
    told = f'Bearer error="{error}"' if error else "Bearer"
    return NotAuthorizedException(why, headers={"www-authenticate": told})


def check_scope(request: AnyRequest, scope: Scope) -> None:
    """A token is for what it was made for; a browser may read all that its person may.

    Raises:
        PermissionDeniedException: It was made for something else.
    """
    token = token_of(request)
    if token is not None and scope not in token.scopes:
        raise PermissionDeniedException(
            f"this token is not for {scope.value}",
            headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{scope.value}"'},
        )


def check_wanted(request: AnyRequest, media_type: str) -> None:
    """Whether what is answered is among what they take.

    Raises:
        HTTPException: It is not (406).
    """
    if request.headers.get("accept") and not request.accept.accepts(media_type):
        raise HTTPException(f"this is answered as {media_type}", status_code=406)


async def check_body(request: AnyRequest) -> None:
    """What a write sends: JSON, and not so deep that reading it costs more than it is worth.

    Raises:
        HTTPException: It is something else (415), or too deep (400).
    """
    sent, _ = request.content_type
    if sent != _JSON:
        raise HTTPException(f"a write sends {_JSON}", status_code=415)
    if _depth(await request.body()) > _DEEPEST:
        raise HTTPException("this JSON is too deep", status_code=400)


def _depth(raw: bytes) -> int:
    """How many objects and lists are within each other, at most."""
    deepest = depth = place = 0
    while place < len(raw):
        letter = raw[place]
        if letter == 0x22:  # A text ends at the next quotation mark that no backslash stands before.
            place += 1
            while place < len(raw) and raw[place] != 0x22:
                place += 2 if raw[place] == 0x5C else 1
        elif letter in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in b"]}":
            depth -= 1
        place += 1
    return deepest
