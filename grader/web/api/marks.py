"""Submissions, marks and what waits; and marks that a program gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, QueryParameter, RawBody
from msgspec import Meta, Struct

from grader.errors import RefusedError, UsageError
from grader.grading.seen import Seen as SeenRows
from grader.grading.seen import read_seen
from grader.web.api.answers import answer, listing, standing, tagged
from grader.web.api.bodies import read_body
from grader.web.api.models import Criterion, Cursor, Limit, Page, Place, Seen, Student, Submission
from grader.web.api.once import once
from grader.web.asking import Asking, asking
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.accounts.tokens import Scope
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.programs.marks import history_of, lines_page, mark_of_student, marks_page
from grader.workflows.programs.waiting import pending_page

__all__ = ["ROUTES"]

State = Literal["waiting", "settled", "held", "dropped", "not_run", "not_judged", "unreadable"]


class Line(Struct, frozen=True, kw_only=True):
    """A submission as `grader list --json` has it."""

    student: Student
    assignment: str
    attempt: Annotated[int, Meta(description="Number of the attempt; null before the first.")] | None
    outcome: str
    points: float | None
    out_of: float | None
    pending: float | None
    waits: Annotated[list[str], Meta(description="Ids of the criteria that wait for a person.")]
    marked: Annotated[int, Meta(description="Criteria that a person decided.")]
    remarks: Annotated[int, Meta(description="Open remark requests.")]
    flags: int
    late: bool
    state: Annotated[str, Meta(description="In a few words, where there is more to say than points.")]


class Lines(Page, frozen=True, kw_only=True):
    """Some submissions of an assignment."""

    items: list[Line]


class Marks(Page, frozen=True, kw_only=True):
    """Marks of some students."""

    items: list[Submission]


class PendingItem(Struct, frozen=True, kw_only=True):
    """A criterion of one student that waits for a person, as `grader pending --json` has it."""

    student: Student
    criterion: Annotated[str, Meta(description="`(the whole file)` where the file could not be taken.")]
    points: Annotated[float, Meta(description="That wait.")]
    status: str
    message: str
    where: list[Place]
    cells: Annotated[list[str], Meta(description="By name, but for those that the message names.")]
    guide: Annotated[str, Meta(description="What earns what, by the rubric, Markdown.")]
    seen: Seen | None


class PendingItems(Page, frozen=True, kw_only=True):
    """What waits of some students."""

    items: list[PendingItem]


class Told(Struct, frozen=True, kw_only=True):
    """One row of the history in words."""

    row: int
    kind: str
    at: datetime
    who: str
    why: str
    what: str
    changes: Annotated[list[str], Meta(description="Of a verdict: what came out otherwise than before.")]


class History(Struct, frozen=True, kw_only=True):
    """All that ever happened to a student's work, oldest first."""

    items: list[Told]


class NewMark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mark to give."""

    points: Annotated[
        Annotated[float, Meta(ge=0, le=10_000)] | None,
        Meta(description="For the criterion; null takes your earlier mark back.", examples=[2.5]),
    ]
    comment: Annotated[str, Meta(max_length=10_000, description="The student reads it.")] = ""
    seen: Annotated[
        Seen | None,
        Meta(description="What of the criterion its author had before them; in place of `If-Match`."),
    ] = None


class Given(Struct, frozen=True, kw_only=True):
    """A mark that was given, and what counted before."""

    student: Student
    criterion: str
    before: float
    after: float
    out_of: float
    seen: Seen


@get(
    "/assignments/{assignment:str}/submissions",
    operation_id="listSubmissions",
    summary="Submissions of an assignment",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def submissions(
    request: AnyRequest,
    assignment: FromPath[str],
    cursor_: Cursor = "",
    limit: Limit = 50,
    in_state: Annotated[
        State | None, QueryParameter(name="state", description="Only those in this state.")
    ] = None,
) -> Response[Lines]:
    """A line for each student, in the order of what they are called. New ones move nobody."""
    who = asking(request)

    def read(after: str) -> tuple[list[Line], str]:
        found = lines_page(
            who.store, assignment, after=after, size=limit, anonymous=who.blind, state=in_state or ""
        )
        lines = [
            Line(
                **{name: getattr(each, name) for name in Line.__struct_fields__ if name not in _CHANGED},
                student=each.shown,
                waits=list(each.waits),
            )
            for each in found.items
        ]
        return lines, found.after

    return listing(request, who, cursor_, Lines, read)


_CHANGED = ("student", "waits")


@get(
    "/assignments/{assignment:str}/marks",
    operation_id="listMarks",
    summary="Marks of an assignment, criterion by criterion",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def marks(
    request: AnyRequest, assignment: FromPath[str], cursor_: Cursor = "", limit: Limit = 50
) -> Response[Marks]:
    """As `grader export json` has them; what was dropped or not run yet is left out.

    A page may have fewer than were asked for, and more may follow all the same: `next` tells.
    """
    who = asking(request)

    def read(after: str) -> tuple[list[Submission], str]:
        found = marks_page(who.store, assignment, after=after, size=limit, anonymous=who.blind)
        return [msgspec.convert(each, Submission) for each in found.items], found.after

    return listing(request, who, cursor_, Marks, read)


@get(
    "/assignments/{assignment:str}/submissions/{student:str}",
    operation_id="getSubmission",
    summary="One student's mark",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def submission(
    request: AnyRequest, assignment: FromPath[str], student: FromPath[str]
) -> Response[Submission]:
    """Dropped or not; each criterion says what whoever marks it has to say that they saw."""
    who = asking(request)
    return standing(request, who, lambda: _submission(who, assignment, student))


@get(
    "/assignments/{assignment:str}/submissions/{student:str}/history",
    operation_id="getHistory",
    summary="What happened to a student's work",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def history(request: AnyRequest, assignment: FromPath[str], student: FromPath[str]) -> Response[History]:
    """Every row of the sealed history on it: who changed what, when and why."""
    who = asking(request)

    def made() -> History:
        told = history_of(who.store, assignment, who.named(student), anonymous=who.blind)
        return History(items=[msgspec.convert(each, Told) for each in told])

    return standing(request, who, made)


@get(
    "/assignments/{assignment:str}/submissions/{student:str}/criteria/{criterion:str}",
    operation_id="getCriterion",
    summary="One criterion of one student",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def criterion(
    request: AnyRequest, assignment: FromPath[str], student: FromPath[str], criterion: FromPath[str]
) -> Response[Criterion]:
    """What counts. Its ETag is what a mark's `If-Match` has to name."""
    found = _criterion(asking(request), assignment, student, criterion)
    return tagged(request, found.seen, lambda: answer(found))


@post(
    "/assignments/{assignment:str}/submissions/{student:str}/criteria/{criterion:str}/mark",
    operation_id="giveMark",
    summary="Give a mark",
    tags=["marks"],
    opt=permits_programs(Permission.MARK, Scope.MARK, matched=True, takes=NewMark),
    status_code=200,
    sync_to_thread=True,
)
def mark(
    request: AnyRequest,
    assignment: FromPath[str],
    student: FromPath[str],
    criterion: FromPath[str],
    body: RawBody,
) -> Response[Given]:
    """Gives points for one criterion of one student, by the account that the token acts for.

    Nobody's mark is replaced unseen: where something else stands than `If-Match` or `seen` says, nothing is
    written, and the answer (412) tells both and how to name what stands.
    """
    who, sent = asking(request), read_body(body, NewMark)
    seen = _seen(request, sent)

    def act() -> Response[Given]:
        before = _criterion(who, assignment, student, criterion)
        order = MarkOrder(who.named(student), criterion, sent.points, sent.comment, seen=seen)
        [given] = give_marks(who.store, assignment, [order], actor=who.name)
        now = _criterion(who, assignment, student, criterion).seen
        told = Given(
            student=given.student,
            criterion=before.id,
            before=given.before,
            after=given.after,
            out_of=given.out_of,
            seen=now,
        )
        return answer(told, etag=now)

    return once(request, sent, act)


@get(
    "/assignments/{assignment:str}/pending",
    operation_id="listPending",
    summary="What waits for people",
    tags=["marks"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def pending(
    request: AnyRequest,
    assignment: FromPath[str],
    cursor_: Cursor = "",
    limit: Limit = 50,
    criterion: Annotated[str, QueryParameter(name="criterion", description="The only one to list.")] = "",
) -> Response[PendingItems]:
    """All that waits of so many students (`limit`), student by student."""
    who = asking(request)

    def read(after: str) -> tuple[list[PendingItem], str]:
        found = pending_page(
            who.store, assignment, after=after, size=limit, anonymous=who.blind, criterion=criterion
        )
        items = [
            PendingItem(
                student=each.student,
                criterion=each.criterion,
                points=each.points,
                status=each.status,
                message=each.message,
                where=[Place(cell=place.cell, line=place.line) for place in each.where],
                cells=list(each.cells),
                guide=each.guide,
                seen=str(each.seen) if each.seen else None,
            )
            for each in found.items
        ]
        return items, found.after

    return listing(request, who, cursor_, PendingItems, read)


def _submission(who: Asking, assignment: str, student: str) -> Submission:
    with _there():
        plain = mark_of_student(who.store, assignment, who.named(student), anonymous=who.blind)
    return msgspec.convert(plain, Submission)


def _criterion(who: Asking, assignment: str, student: str, criterion: str) -> Criterion:
    found = _submission(who, assignment, student)
    for each in found.criteria:
        if each.id == criterion:
            return each
    raise NotFoundException


@contextmanager
def _there() -> Iterator[None]:
    """What an address names and is not there is not found, whatever the method."""
    try:
        yield
    except RefusedError:
        raise
    except UsageError:
        raise NotFoundException from None


def _seen(request: AnyRequest, sent: NewMark) -> SeenRows:
    """What the author of a mark had before them.

    Raises:
        HTTPException: They do not say (428), or say two things (400).
    """
    given = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if given and sent.seen and given != sent.seen:
        raise HTTPException("If-Match and seen name two things", status_code=400)
    named = given or sent.seen
    if not named or named == "*":
        raise HTTPException("If-Match or seen names what you saw of the criterion", status_code=428)
    try:
        return read_seen(named)
    except UsageError as error:
        raise HTTPException(error.what, status_code=400) from None


ROUTES = (submissions, marks, submission, history, criterion, mark, pending)
