"""How programs are answered: with an ETag that tells whether anything is new, and page by page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

import grader
from grader.web.api.models import Page
from grader.web.asking import Asking
from grader.web.site import AnyRequest

__all__ = ["answer", "cursor", "listing", "paged", "read_cursor", "standing", "tagged"]

PageT = TypeVar("PageT", bound=Page)

_JSON = "application/json"


def answer(
    model: msgspec.Struct | list[Any],
    *,
    status: int = 200,
    etag: str = "",
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """One model as JSON."""
    told = {"vary": "authorization, accept", **(headers or {})}
    if etag:
        told["etag"] = f'"{etag}"'
    return Response(msgspec.json.encode(model), status_code=status, media_type=_JSON, headers=told)


def tagged(request: AnyRequest, etag: str, make: Callable[[], Response[Any]]) -> Response[Any]:
    """What is there, or that it is what they have (304).

    Args:
        request: Says what they have.
        etag: Of what is there now.
        make: Answers, where that is something else.
    """
    given = request.headers.get("if-none-match", "")
    known = {each.strip().removeprefix("W/") for each in given.split(",")}
    if f'"{etag}"' in known or "*" in known:
        return Response(None, status_code=304, headers={"etag": f'"{etag}"', "vary": "authorization, accept"})
    made = make()
    made.headers["etag"] = f'"{etag}"'
    return made


def standing(request: AnyRequest, who: Asking, make: Callable[[], msgspec.Struct]) -> Response[Any]:
    """What the history says, tagged by its newest row: nothing is read where no row came since."""
    with who.store.reading() as history:
        newest = history.newest_row()
    # The same row shows in other ways to others, and by another version.
    seen_as = (grader.__version__, who.role, who.name, request.url.path, request.url.query)
    digest = hashlib.sha256(repr(seen_as).encode()).hexdigest()[:12]
    return tagged(request, f"{newest}-{digest}", lambda: paged(request, make()))


def paged(request: AnyRequest, model: msgspec.Struct) -> Response[Any]:
    """A model; of a list, `Link` says where the next page is."""
    next = getattr(model, "next", None)
    if not next:
        return answer(model)
    query = [(name, text) for name, text in request.query_params.multi_items() if name != "cursor"]
    target = f"{request.url.path}?{urlencode([*query, ('cursor', next)])}"
    return answer(model, headers={"link": f'<{target}>; rel="next"'})


def listing(
    request: AnyRequest,
    who: Asking,
    text: str,
    model: type[PageT],
    read: Callable[[Any], tuple[Sequence[Any], str | int]],
    *,
    kind: type = str,
) -> Response[Any]:
    """A page of a list whose items stand in the history, tagged as `standing` tags it.

    Args:
        request: Who asks, for which page.
        who: The same, let through.
        text: The cursor that was given.
        model: Of the page.
        read: Its items after a place in the list, and the place to go on from; empty or 0 at the end.
        kind: Of places: `str`, whose first is empty, or `int`, whose first is 0.

    Raises:
        HTTPException: The cursor is none of ours (400).
    """
    after = next(iter(read_cursor(text, kind)), kind())

    def made() -> PageT:
        items, further = read(after)
        return model(items=list(items), next=cursor(further))  # type: ignore[call-arg]

    return standing(request, who, made)


def cursor(*place: str | int) -> str | None:
    """Where a list goes on, for `read_cursor`; None where it does not."""
    if not place or not place[0]:
        return None
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(text: str, *kinds: type) -> list[Any]:
    """Where a list goes on; empty where it begins.

    Args:
        text: As `cursor` made it; empty for the beginning.
        kinds: Of its parts.

    Raises:
        HTTPException: It is none of ours (400).
    """
    if not text:
        return []
    try:
        place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if isinstance(place, list) and [type(each) for each in place] == list(kinds):
            return place
    except (ValueError, RecursionError):
        pass
    raise HTTPException("this cursor is none that this list gave", status_code=400)
