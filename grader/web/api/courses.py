"""Who asks, the courses that they are in, and the assignments of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath
from msgspec import Meta, Struct

from grader.web.addresses import API_PATH
from grader.web.api.answers import answer, standing
from grader.web.asking import asking
from grader.web.bearers import token_of
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.sessions import Session
from grader.web.site import AnyRequest, server_of
from grader.workflows.accounts.tokens import Scope
from grader.workflows.desk.courses import Work, works_of
from grader.workflows.desk.waiting import waiting
from grader.workflows.programs.rubrics import criteria_lines

__all__ = ["ROUTES", "SERVER_ROUTES"]


class CourseRole(Struct, frozen=True, kw_only=True):
    """A course, and what whoever asks is in it."""

    course: Annotated[str, Meta(description="Its short name, as in addresses.", examples=["dl-2026"])]
    title: str
    role: Annotated[str, Meta(examples=["ta"])]


class Me(Struct, frozen=True, kw_only=True):
    """Who asks, and what for."""

    account: Annotated[str, Meta(examples=["ben"])]
    token: Annotated[str, Meta(description="What it is called.")] | None
    scopes: list[str]
    until: datetime | None
    courses: list[CourseRole]


class Assignment(Struct, frozen=True, kw_only=True):
    """One assignment at a glance."""

    assignment: Annotated[str, Meta(examples=["lab2"])]
    title: str
    submissions: int
    waiting: Annotated[int, Meta(description="Answers that wait for a person.")]
    criteria: Annotated[int, Meta(description="Criteria in which any wait.")]
    remarks: Annotated[int, Meta(description="Remark requests that wait for a decision.")]


class Assignments(Struct, frozen=True, kw_only=True):
    """All assignments of a course."""

    items: list[Assignment]


class CriterionLine(Struct, frozen=True, kw_only=True):
    """One criterion of an assignment, by its newest rubric."""

    id: str
    title: str
    out_of: float
    waits: Annotated[int, Meta(description="Submissions in which it waits for a person.")]


class AssignmentDetail(Assignment, frozen=True, kw_only=True):
    """One assignment with its criteria."""

    lines: list[CriterionLine]


class Courses(Struct, frozen=True, kw_only=True):
    """The courses that whoever asks is in, by title."""

    items: list[CourseRole]


@get(
    f"{API_PATH}/courses",
    operation_id="listCourses",
    summary="Courses",
    tags=["courses"],
    opt=permits_programs(Permission.SIGNED_IN, Scope.READ),
    sync_to_thread=True,
)
def courses(request: AnyRequest) -> Response[Courses]:
    """The courses that the token reaches, and what its account is in each."""
    return answer(Courses(items=_courses(request, _session(request))))


@get(
    f"{API_PATH}/me",
    operation_id="whoAmI",
    summary="Who asks",
    tags=["courses"],
    opt=permits_programs(Permission.SIGNED_IN, Scope.READ),
    sync_to_thread=True,
)
def me(request: AnyRequest) -> Response[Me]:
    """The account, what the token is for, and the courses that it reaches."""
    session, token = _session(request), token_of(request)
    return answer(
        Me(
            account=session.name,
            token=token.name if token else None,
            scopes=list(token.scopes) if token else [Scope.READ],
            until=token.until if token else session.until,
            courses=_courses(request, session),
        )
    )


@get(
    "/assignments",
    operation_id="listAssignments",
    summary="Assignments of a course",
    tags=["courses"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def assignments(request: AnyRequest) -> Response[Assignments]:
    """All assignments of which anything was handed in, by name."""
    who = asking(request)
    return standing(
        request,
        who,
        lambda: Assignments(items=[Assignment(**_as_fields(work)) for work in works_of(who.store)]),
    )


@get(
    "/assignments/{assignment:str}",
    operation_id="getAssignment",
    summary="One assignment",
    tags=["courses"],
    opt=permits_programs(Permission.READ_WORK, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def assignment(request: AnyRequest, assignment: FromPath[str]) -> Response[AssignmentDetail]:
    """One assignment, with the criteria of its newest rubric and how many wait in each."""
    who = asking(request)

    def made() -> AssignmentDetail:
        counted = {each.criterion: each.waits for each in waiting(who.store, assignment).criteria}
        [work] = [work for work in works_of(who.store) if work.assignment == assignment]
        lines = [
            CriterionLine(id=id, title=title, out_of=points, waits=counted.get(id, 0))
            for id, title, points in criteria_lines(who.store, assignment)
        ]
        return AssignmentDetail(**_as_fields(work), lines=lines)

    return standing(request, who, made)


def _session(request: AnyRequest) -> Session:
    session = server_of(request).session_of(request)
    if session is None:
        raise NotAuthorizedException("nobody is signed in here")
    return session


def _courses(request: AnyRequest, session: Session) -> list[CourseRole]:
    return [
        CourseRole(
            course=site.course.name,
            title=site.course.title,
            role=str(session.role_in(site.course.name)),
        )
        for site in server_of(request).courses_of(session)
    ]


def _as_fields(work: Work) -> dict[str, Any]:
    return {name: getattr(work, name) for name in Assignment.__struct_fields__}


SERVER_ROUTES = (me, courses)

ROUTES = (assignments, assignment)
