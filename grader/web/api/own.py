"""A student's own works: what came, the mark as of its release, and the feedback report."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Meta, Struct

import grader
from grader.web.api.answers import answer, cursor, paged, read_cursor, tagged
from grader.web.api.models import Cursor, Limit, Page, Points
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.accounts.tokens import Scope
from grader.workflows.own_work.feedback import feedback_of, report_file
from grader.workflows.own_work.listing import OwnWork, own_work, own_works
from grader.workflows.programs.own import own_lines

__all__ = ["ROUTES"]

_FILE = "application/octet-stream"


class OwnLine(Struct, frozen=True, kw_only=True):
    """One of one's own works. Points are those of the release; null before one."""

    assignment: str
    title: str
    file: Annotated[str, Meta(description="Name of the newest file; empty where nothing came.")]
    submitted_at: datetime | None
    late: bool
    problem: Annotated[bool, Meta(description="The file could not be taken.")]
    due: Annotated[datetime | None, Meta(description="For this student; null where nothing is ever late.")]
    released_at: datetime | None
    points: Points | None
    out_of: Points | None
    pending: Annotated[float, Meta(ge=0, description="Points that wait for a person.")] | None
    remarks: Annotated[int, Meta(description="Own remark requests that wait for an answer.")]


class OwnWorks(Page, frozen=True, kw_only=True):
    """Some of one's own works, by assignment."""

    items: list[OwnLine]


class OwnCriterion(Struct, frozen=True, kw_only=True):
    """What counts for one criterion, as its student is shown it."""

    id: str
    title: str
    status: Annotated[str, Meta(description="The finding's, or MARKED where a person decided.")]
    points: Points
    out_of: Points
    pending: Annotated[float, Meta(ge=0)]
    message: Annotated[
        str, Meta(description="Empty while the rubric keeps it back, or once the recording is gone.")
    ]
    comment: Annotated[str, Meta(description="What a person wrote to their points.")]


class OwnMark(OwnLine, frozen=True, kw_only=True):
    """One of one's own works with its mark, criterion by criterion; none before the release."""

    criteria: list[OwnCriterion]


@get(
    "/my",
    operation_id="listOwnWorks",
    summary="One's own works",
    tags=["own work"],
    opt=permits_programs(Permission.OWN_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
@of_one_moment
def works(request: AnyRequest, cursor_: Cursor = "", limit: Limit = 50) -> Response[OwnWorks]:
    """All assignments of the course, with what was handed in and the mark as it is shown to its student."""
    who, student = _own(request)
    [after] = read_cursor(cursor_, str) or [""]
    found = [each for each in own_works(who.store, student, who.site.places) if each.assignment > after]
    more = found[limit - 1].assignment if len(found) > limit else ""
    made = OwnWorks(items=[OwnLine(**_as_fields(each)) for each in found[:limit]], next=cursor(more))
    return tagged(request, _digest(made), lambda: paged(request, made))


@get(
    "/my/{assignment:str}",
    operation_id="getOwnMark",
    summary="One's own mark",
    tags=["own work"],
    opt=permits_programs(Permission.OWN_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
@of_one_moment
def mark(request: AnyRequest, assignment: FromPath[str]) -> Response[OwnMark]:
    """The mark as of the release, with the answers to remark requests that are shown; nothing unreleased."""
    who, student = _own(request)
    work = own_work(who.store, assignment, student, who.site.places)
    if work is None:
        raise NotFoundException
    lines = own_lines(who.store, assignment, student, reference=who.site.reference)
    criteria = [msgspec.convert(each, OwnCriterion, from_attributes=True) for each in lines]
    made = OwnMark(**_as_fields(work), criteria=criteria)
    return tagged(request, _digest(made), lambda: answer(made))


@get(
    "/my/{assignment:str}/report",
    operation_id="getOwnReport",
    summary="One's own feedback report",
    tags=["own work"],
    media_type=_FILE,
    opt=permits_programs(Permission.OWN_WORK, Scope.READ),
    sync_to_thread=True,
)
@of_one_moment
def report(request: AnyRequest, assignment: FromPath[str]) -> Response[bytes]:
    """The report as one HTML file, as of the release; there is none (404) before it."""
    who, student = _own(request)
    found = feedback_of(who.store, assignment, student)
    if found is None:
        raise NotFoundException
    html = report_file(who.store, found, who.site.reference)
    headers = {"content-disposition": 'attachment; filename="feedback.html"', "vary": "authorization, accept"}
    return Response(html.encode(), media_type=_FILE, headers=headers)


def _own(request: AnyRequest) -> tuple[Asking, str]:
    """Who asks, and under which id they hand in: nothing else finds an object here.

    Raises:
        NotFoundException: They hand in nothing to this course.
    """
    who, session = asking(request), server_of(request).session_of(request)
    student = session.student_in(who.site.course.name) if session is not None else None
    if student is None:
        raise NotFoundException
    return who, student


def _as_fields(work: OwnWork) -> dict[str, Any]:
    policy = work.deadline.policy if work.deadline else None
    return {
        "assignment": work.assignment,
        "title": work.title,
        "file": work.file,
        "submitted_at": work.submitted_at,
        "late": work.late,
        "problem": work.problem,
        "due": policy.due if policy else None,
        "released_at": work.released_at,
        "points": work.mark.points if work.mark else None,
        "out_of": work.mark.out_of if work.mark else None,
        "pending": work.mark.pending if work.mark else None,
        "remarks": work.waiting,
    }


def _digest(made: Struct) -> str:
    """Of what is answered: the history's newest row would tell that something unreleased came."""
    return hashlib.sha256(grader.__version__.encode() + msgspec.json.encode(made)).hexdigest()[:24]


ROUTES = (works, mark, report)
