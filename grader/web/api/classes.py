"""Who is in a course, files for course systems, and the rows of the history: for those who see names."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from litestar import MediaType, Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from grader.web.api.answers import answer, cursor, listing, read_cursor
from grader.web.api.models import Cursor, Limit, Page
from grader.web.asking import asking
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.accounts.tokens import Scope
from grader.workflows.desk.people import people_view
from grader.workflows.programs.exporting import export_file
from grader.workflows.programs.rows import rows_page

__all__ = ["ROUTES"]

#: What each ends with is answered by the file itself.
_FILE = "application/octet-stream"


class Person(Struct, frozen=True, kw_only=True):
    """A student of the roster; empty where it does not say."""

    student: str
    name: str
    first_name: str
    last_name: str
    email: str
    section: str
    number: str
    login: str
    canvas_id: str
    handed_in: bool


class Roster(Page, frozen=True, kw_only=True):
    """Some students, in the roster's order."""

    items: list[Person]


class Row(Struct, frozen=True, kw_only=True):
    """The seal of one row of the history."""

    row: int
    kind: Annotated[str, Meta(description="Its table.")]
    at: datetime
    who: str
    why: str


class Rows(Page, frozen=True, kw_only=True):
    """Some rows, oldest first."""

    items: list[Row]


@get(
    "/roster",
    operation_id="listRoster",
    summary="Who is in the course",
    tags=["class"],
    opt=permits_programs(Permission.READ_PEOPLE, Scope.ROSTER),
    sync_to_thread=True,
)
def roster(request: AnyRequest, cursor_: Cursor = "") -> Response[Roster]:
    """The roster, a hundred at a time; empty where none was given (`grader roster`)."""
    who = asking(request)
    [number] = read_cursor(cursor_, int) or [1]
    view = people_view(who.store, server_of(request).home.store, who.site.course.name, number)
    items = [
        Person(
            **{name: getattr(each, name) for name in Person.__struct_fields__ if name != "handed_in"},
            handed_in=each.student not in view.absent,
        )
        for each in view.people
    ]
    return answer(Roster(items=items, next=cursor(view.number + 1) if view.number < view.pages else None))


@get(
    "/assignments/{assignment:str}/exports/{format:str}",
    operation_id="getExport",
    summary="A file for a course system",
    tags=["class"],
    media_type=_FILE,
    opt=permits_programs(Permission.READ_CLASS, Scope.EXPORT),
    sync_to_thread=True,
)
def export(
    request: AnyRequest,
    assignment: FromPath[str],
    format: FromPath[str],
    pending: Annotated[
        Literal["leave", "include"] | None,
        QueryParameter(name="pending", description="Whether marks of which points wait are in it."),
    ] = None,
) -> Response[bytes]:
    """As `grader export FORMAT` writes it: json, csv, canvas, markus, moodle, nbgrader; gradescope as a zip.

    Course systems get settled marks alone, unless `pending=include`.
    """
    made = export_file(asking(request).store, format, assignment, include_pending=pending == "include")
    headers = {"content-disposition": f'attachment; filename="{made.name}"', "vary": "authorization, accept"}
    return Response(made.raw, media_type=_FILE, headers=headers)


@get(
    "/rows",
    operation_id="listRows",
    summary="Rows of the history",
    tags=["class"],
    media_type=MediaType.JSON,
    opt=permits_programs(Permission.AUDIT, Scope.AUDIT, tagged=True),
    sync_to_thread=True,
)
def rows(request: AnyRequest, cursor_: Cursor = "", limit: Limit = 50) -> Response[Rows]:
    """Who wrote which row when and why, oldest first. Rows are only added: the last cursor stays good."""
    who = asking(request)

    def read(after: int) -> tuple[list[Row], int]:
        found = rows_page(who.store, after=after, size=limit)
        items = [
            Row(row=each.seq, kind=each.kind, at=each.at, who=each.actor, why=each.why) for each in found
        ]
        return items, items[-1].row if len(items) == limit else 0

    return listing(request, who, cursor_, Rows, read, kind=int)


ROUTES = (roster, export, rows)
