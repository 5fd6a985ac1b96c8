"""A class list, and one student's work with its history."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from grader.web.asking import asking, of_one_moment, page_number
from grader.web.guards import permits
from grader.web.rendering import page
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.listing import list_page
from grader.workflows.desk.student import one_student

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/students", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def students(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    who = asking(request)
    listed = list_page(who.store, assignment, page_number(request), anonymous=who.blind)
    return page(request, "students.html.j2", assignment=assignment, listed=listed)


@get("/a/{assignment:str}/s/{student:str}", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def student(request: AnyRequest, assignment: FromPath[str], student: FromPath[str]) -> Response[str]:
    who = asking(request)
    view = one_student(who.store, assignment, who.named(student), anonymous=who.blind)
    return page(request, "student.html.j2", assignment=assignment, view=view)


ROUTES = (students, student)
