"""What programs are told when something goes wrong: problems of RFC 9457, made from the tree of errors."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Meta, Struct

from grader.errors import (
    DamagedRow,
    GraderError,
    LetGoError,
    OvertakenError,
    RefusedError,
    SetUpError,
    StoreUnavailable,
    SubmissionError,
    UsageError,
)
from grader.web.addresses import API_PATH
from grader.web.bearers import SAFE
from grader.web.observed import log_failure
from grader.web.site import AnyRequest, course_named_in, server_of

__all__ = ["KINDS", "MEDIA_TYPE", "Kind", "Problem", "Wrong", "failed", "is_for_programs", "refused", "told"]

MEDIA_TYPE = "application/problem+json"

#: Seconds after which whoever was told that the database is away may ask again.
_RETRY_S = "5"


class Wrong(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with what was sent."""

    where: Annotated[str, Meta(description="The field.")]
    what: Annotated[str, Meta(description="What is wrong with it.")]


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done (RFC 9457). Nothing was written."""

    type: Annotated[str, Meta(description="Which kind of problem it is; it does not change.")]
    title: Annotated[str, Meta(description="The kind in words.")]
    status: Annotated[int, Meta(description="The status of the answer.")]
    detail: Annotated[str, Meta(description="What it is this time.")] = ""
    expected: Annotated[str, Meta(description="What would have been right.")] = ""
    found: Annotated[str, Meta(description="What was there instead.")] = ""
    seen: Annotated[str, Meta(description="What the author had seen, in words.")] = ""
    stands: Annotated[str, Meta(description="What stands, who gave it and when, in words.")] = ""
    now: Annotated[str, Meta(description="What stands, as `seen` takes it.")] = ""
    errors: Annotated[list[Wrong], Meta(description="Each field that is wrong.")] = []


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Attributes:
        name: The end of its type.
        means: When it comes, for the documents.
    """

    name: str
    status: int
    title: str
    means: str

    @property
    def type(self) -> str:
        return f"urn:grader:problem:{self.name}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("malformed", 400, "This request cannot be read", "A parameter, a cursor or the JSON is wrong."),
        Kind("no-token", 401, "This needs a token", "No token came, or it is none, or it has ended."),
        Kind("not-allowed", 403, "This is not yours to do", "The role, or the token's scope, lacks it."),
        Kind("not-found", 404, "There is no such thing", "It is not there, or not for whoever asks."),
        Kind("no-such-method", 405, "This takes no such request", "`Allow` says which it takes."),
        Kind("not-acceptable", 406, "This is answered in another form", "`Accept` leaves out what there is."),
        Kind("refused", 409, "The state of it forbids this", "A mark or request is not in a state for it."),
        Kind("under-way", 409, "The same is being done", "The key's first request has no answer yet."),
        Kind("let-go", 410, "This is no longer kept", "The course let go of a recording that it needs."),
        Kind("changed", 412, "Something else stands", "It is not what `If-Match` or `seen` says."),
        Kind("too-large", 413, "This is too long", "A body has at most 256 KiB."),
        Kind("wrong-type", 415, "A write sends JSON", "`Content-Type` is another one."),
        Kind("wrong-host", 421, "This server was called by another name", "`Host` is none of its names."),
        Kind("invalid", 422, "This cannot be done", "A value is out of range, or names nothing."),
        Kind("key-used", 422, "This key stands for something else", "Another request came under this key."),
        Kind("unseen", 428, "Say what you saw", "A write over a mark lacks `If-Match` and `seen`."),
        Kind("too-many", 429, "Too many requests", "`Retry-After` says when to go on."),
        Kind("failed", 500, "Something went wrong here", "A mistake of the server's; its log says more."),
        Kind("away", 503, "The marks are out of reach", "The database does not answer, or a row is damaged."),
    )
}
#: By status the kind that an error of HTTP is; those that are made by name alone are not in it.
_BY_STATUS = {
    kind.status: kind for kind in KINDS.values() if kind.name not in ("under-way", "key-used", "invalid")
} | {422: KINDS["invalid"]}


def is_for_programs(request: AnyRequest) -> bool:
    """Whether an address is the API's, whether there is anything or not."""
    return request.url.path.startswith(f"{API_PATH}/")


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A problem as it is sent."""
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers or {},
    )


def refused(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework or the guard refuses."""
    named = error.extra.get("kind") if isinstance(error.extra, dict) else None
    kind = KINDS[named] if isinstance(named, str) else _BY_STATUS.get(error.status_code)
    headers = dict(error.headers or {})
    if kind is None:
        # What no route of ours says, such as an address that cannot be one.
        kind = KINDS["malformed"] if error.status_code < 500 else KINDS["failed"]
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail="" if kind.status in (404, 405, 413, 500) else error.detail,
        errors=list(_wrong(error)),
    )
    if kind is KINDS["malformed"] and problem.errors:
        problem = msgspec.structs.replace(problem, detail="what was sent does not fit")
    return answer(problem, headers)


def _wrong(error: HTTPException) -> list[Wrong]:
    given = error.extra if isinstance(error.extra, list) else []
    return [
        Wrong(where=str(each.get("key", "")), what=str(each.get("message", "")))
        for each in given
        if isinstance(each, dict)
    ]


def told(request: AnyRequest, error: GraderError) -> Response[bytes]:
    """What a use case says; the hint at the end of its message is for commands, and left out."""
    kind = _kind(request, error)
    headers = {"retry-after": _RETRY_S} if isinstance(error, StoreUnavailable) else {}
    if kind is KINDS["not-found"]:
        # What is near to a name that is not there would tell names to whoever grades blind.
        return answer(Problem(type=kind.type, title=kind.title, status=kind.status))
    if isinstance(error, DamagedRow):
        # It may show what a student is called, to whoever grades blind.
        log_failure(request.scope, error)
        return answer(
            Problem(type=kind.type, title=kind.title, status=kind.status, detail="a row is damaged")
        )
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=error.what,
        expected=error.expected or "",
        found=error.found or "",
    )
    if isinstance(error, OvertakenError):
        problem = msgspec.structs.replace(
            problem, expected="", found="", seen=error.seen, stands=error.stands, now=error.now
        )
    return answer(problem, headers)


def _kind(request: AnyRequest, error: GraderError) -> Kind:
    kinds: list[tuple[type[GraderError], str]] = [
        (OvertakenError, "changed"),
        (RefusedError, "refused"),
        (UsageError, "not-found" if request.method in SAFE else "invalid"),
        (SubmissionError, "invalid"),
        (LetGoError, "let-go"),
        (SetUpError, "away"),
    ]
    return KINDS[next((name for error_type, name in kinds if isinstance(error, error_type)), "failed")]


def failed(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Our own mistake, or a damaged row's: where it was goes to the log, its words to nobody."""
    site = server_of(request).sites.get(course_named_in(request) or "")
    with suppress(GraderError):
        explained = site.store.explain(error) if site is not None else None
        if explained is not None:
            return told(request, explained)
    log_failure(request.scope, error)
    kind = KINDS["failed"]
    return answer(Problem(type=kind.type, title=kind.title, status=kind.status))
