"""Remark requests: read, taken up, decided, rejected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, QueryParameter, RawBody
from msgspec import Meta, Struct

from grader.errors import RefusedError
from grader.grading.requests import Action, State
from grader.grading.seen import read_seen
from grader.store.remarks import Remark
from grader.web.api.answers import answer, listing, tagged
from grader.web.api.bodies import read_body
from grader.web.api.models import Cursor, Limit, Page, Seen, Student
from grader.web.api.once import once
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.accounts.tokens import Scope
from grader.workflows.desk.request import Wanted, request_for
from grader.workflows.desk.requests import requests_after
from grader.workflows.marking.remark import act, decide, find
from grader.workflows.views.show import name_of

__all__ = ["ROUTES"]

_SEEN = "seen"
#: Of `State`, as the description names them.
_States = Literal["submitted", "under_review", "resolved", "rejected", "withdrawn", "escalated", "final"]


class RemarkLine(Struct, frozen=True, kw_only=True):
    """A remark request in short."""

    id: int
    student: Student
    assignment: str
    criterion: Annotated[str, Meta(description="Empty for a counting error, which concerns the sum.")]
    kind: Annotated[str, Meta(examples=["judgement"])]
    state: Annotated[str, Meta(examples=["submitted"])]
    is_open: Annotated[bool, Meta(description="Whether somebody still has to decide.")]
    opened_at: datetime
    points_before: float
    out_of: float


class Step(Struct, frozen=True, kw_only=True):
    """One action on a request."""

    action: str
    points: float | None
    at: datetime


class Part(Struct, frozen=True, kw_only=True):
    """One thing that a decision needs, as `grader remark show` has it."""

    label: str
    text: str


class RemarkDetail(RemarkLine, frozen=True, kw_only=True):
    """A remark request with all that a decision needs."""

    reason: Annotated[str, Meta(description="In the student's words.")]
    steps: list[Step]
    parts: list[Part]
    seen: Seen | None


class Remarks(Page, frozen=True, kw_only=True):
    """Some remark requests, the oldest first."""

    items: list[RemarkLine]


class NewStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with a request."""

    action: Annotated[
        Literal["review", "decide", "reject"],
        Meta(description="`decide` takes points, unless it counts again."),
    ]
    reason: Annotated[str, Meta(max_length=10_000, description="For the student.")] = ""
    points: Annotated[float, Meta(ge=0, le=10_000)] | None = None


@get(
    "/assignments/{assignment:str}/remarks",
    operation_id="listRemarks",
    summary="Remark requests of an assignment",
    tags=["remarks"],
    opt=permits_programs(Permission.READ_REMARKS, Scope.READ, tagged=True),
    sync_to_thread=True,
)
@of_one_moment
def remarks(
    request: AnyRequest,
    assignment: FromPath[str],
    cursor_: Cursor = "",
    limit: Limit = 50,
    in_state: Annotated[_States | None, QueryParameter(name="state", description="Only those in it.")] = None,
) -> Response[Remarks]:
    """In the order in which they were opened."""
    who = asking(request)

    def read(after: int) -> tuple[list[RemarkLine], int]:
        state = State(in_state) if in_state else None
        found, more = requests_after(who.store, assignment, after, limit, state=state)
        name = name_of(who.store, who.blind)
        items = [RemarkLine(**_as_fields(each, name(each.student))) for each in found]
        return items, items[-1].id if more else 0

    return listing(request, who, cursor_, Remarks, read, kind=int)


@get(
    "/remarks/{id:int}",
    operation_id="getRemark",
    summary="One remark request",
    tags=["remarks"],
    opt=permits_programs(Permission.READ_REMARKS, Scope.READ, tagged=True),
    sync_to_thread=True,
)
@of_one_moment
def remark(request: AnyRequest, id: FromPath[int]) -> Response[RemarkDetail]:
    """All that a decision needs. Its ETag is what a step's `If-Match` has to name."""
    found = _detail(asking(request), id)
    return tagged(request, _tag(found), lambda: answer(found))


@post(
    "/remarks/{id:int}/steps",
    operation_id="takeStep",
    summary="Take up, decide or reject a remark request",
    tags=["remarks"],
    opt=permits_programs(Permission.DECIDE_REMARKS, Scope.REMARK, matched=True, takes=NewStep),
    status_code=200,
    sync_to_thread=True,
)
def step(request: AnyRequest, id: FromPath[int], body: RawBody) -> Response[RemarkDetail]:
    """By the course's rules, as `grader remark` does it: who may decide, and what can happen to the mark.

    `If-Match` names the request as it was seen, with the mark in question.
    """
    who, sent = asking(request), read_body(body, NewStep)

    def do() -> Response[Any]:
        before = _detail(who, id)
        given = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
        if not given or given == "*":
            raise HTTPException("If-Match names what you saw of the request", status_code=428)
        if given != _tag(before):
            raise HTTPException("the request or its mark is another by now", status_code=412)
        if sent.action == "decide":
            seen = read_seen(before.seen) if before.seen else None
            decide(who.store, id, points=sent.points, reason=sent.reason, actor=who.name, seen=seen)
        else:
            act(who.store, id, Action(sent.action), actor=who.name, reason=sent.reason)
        after = _detail(who, id)
        return answer(after, etag=_tag(after))

    return once(request, sent, do)


def _detail(who: Asking, id: int) -> RemarkDetail:
    try:
        find(who.store, id)
    except RefusedError:
        raise NotFoundException from None
    return _shown(request_for(who.store, id, anonymous=who.blind))


def _shown(wanted: Wanted) -> RemarkDetail:
    told = dict(wanted.parts)
    return RemarkDetail(
        **_as_fields(wanted.remark, wanted.shown),
        reason=wanted.reason,
        steps=[Step(action=each.action, points=each.points, at=each.at) for each in wanted.remark.steps],
        parts=[Part(label=label, text=text) for label, text in wanted.parts if label != _SEEN],
        # "12+34 (for --seen)", as commands print it.
        seen=told[_SEEN].split()[0] if _SEEN in told else None,
    )


def _as_fields(remark: Remark, shown: str) -> dict[str, Any]:
    return {
        "id": remark.id,
        "student": shown,
        "assignment": remark.assignment,
        "criterion": remark.criterion,
        "kind": remark.kind.value,
        "state": remark.state.value,
        "is_open": remark.state.is_open,
        "opened_at": remark.opened_at,
        "points_before": remark.points_before,
        "out_of": remark.out_of,
    }


def _tag(found: RemarkDetail) -> str:
    """Changes with each step, with each verdict and with each mark in question."""
    return f"{found.id}-{len(found.steps)}-{found.seen or 'sum'}"


ROUTES = (remarks, remark, step)
