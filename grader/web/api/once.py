"""What is sent twice under one key is done once, and answered alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException

from grader.errors import GraderError
from grader.store.api_answers import KeptAnswer
from grader.web.api import problems
from grader.web.bearers import token_of
from grader.web.site import AnyRequest, server_of

__all__ = ["once"]

_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
#: Headers of an answer that are sent again with it.
_KEPT = ("content-type", "etag", "location", "retry-after", "vary")


def once(request: AnyRequest, asked: object, act: Callable[[], Response[Any]]) -> Response[Any]:
    """Does what a write asks, or answers what it was answered with before.

    Args:
        request: Whose header ``Idempotency-Key`` may hold a key, of this token alone.
        asked: All that was sent, in one way of writing.
        act: Does it.

    Raises:
        HTTPException: The key cannot be one (400), stands for something else (422), or is under way (409).
    """
    given, token = request.headers.get("idempotency-key"), token_of(request)
    if given is None or token is None:
        return act()
    match = _KEY.fullmatch(given)
    if match is None:
        raise HTTPException("Idempotency-Key takes 1 to 255 printable characters", status_code=400)
    key, answers = match[1], server_of(request).home.store.api_answers
    precondition = request.headers.get("if-match", "")
    begun = answers.begin(token.id, key, f"{request.method} {request.url.path} {precondition}\n{asked!r}")
    if begun.is_other:
        raise HTTPException(
            "another request came under this key", status_code=422, extra={"kind": "key-used"}
        )
    if begun.answer is not None:
        return _again(begun.answer)
    if not begun.is_first:
        raise HTTPException(
            "the first request under this key is under way, or was broken off",
            status_code=409,
            extra={"kind": "under-way"},
            headers={"retry-after": "60"},
        )
    try:
        made = act()
    except GraderError as error:
        made = problems.told(request, error)
    except BaseException:
        answers.forget(token.id, key)
        raise
    if made.status_code is not None and made.status_code >= 500:
        answers.forget(token.id, key)
        return made
    answers.keep(token.id, key, _kept(made))
    return made


def _kept(made: Response[Any]) -> KeptAnswer:
    headers = {name: text for name, text in made.headers.items() if name.lower() in _KEPT}
    body: bytes = made.content or b""
    return KeptAnswer(
        status=made.status_code or 200,
        headers={**headers, "content-type": str(made.media_type)},
        body=body.decode(),
    )


def _again(kept: KeptAnswer) -> Response[Any]:
    headers = {name: text for name, text in kept.headers.items() if name != "content-type"}
    return Response(
        kept.body.encode(),
        status_code=kept.status,
        media_type=kept.headers["content-type"],
        headers={**headers, "idempotency-replayed": "true"},
    )
