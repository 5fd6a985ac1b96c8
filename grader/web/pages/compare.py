"""Two submissions side by side; their code and answers in frames of their own."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from grader.reporting.code import highlighted
from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import page, untrusted_page
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.compare import CodeLine, compare_code, compare_two
from grader.workflows.desk.student import one_student

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/compare", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def compare(
    request: AnyRequest,
    assignment: FromPath[str],
    left: FromQuery[str] = "",
    right: FromQuery[str] = "",
    criterion: FromQuery[str] = "",
) -> Response[str]:
    """Both works criterion by criterion, and both answers to one. Without a second student, asks for one."""
    who = asking(request)
    if not right.strip():
        first = one_student(who.store, assignment, who.named(left.strip()), anonymous=who.blind)
        return page(request, "compare_with.html.j2", assignment=assignment, left=first.shown)
    names = (who.named(left.strip()), who.named(right.strip()))
    two = compare_two(who.store, assignment, *names, anonymous=who.blind)
    chosen = next((pair for pair in two.criteria if pair.id == criterion), None)
    return page(request, "compare.html.j2", assignment=assignment, two=two, chosen=chosen)


@get("/untrusted/a/{assignment:str}/compare", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def code(
    request: AnyRequest, assignment: FromPath[str], left: FromQuery[str] = "", right: FromQuery[str] = ""
) -> Response[str]:
    """The code of both, line by line."""
    who = asking(request)
    beside = compare_code(who.store, assignment, who.named(left), who.named(right), anonymous=who.blind)
    return untrusted_page("compare_code.html.j2", beside=beside, colour=_coloured)


def _coloured(line: CodeLine) -> Markup:
    """One line in colours; what is within a text of several lines is coloured as if it stood alone."""
    return Markup("").join(highlighted(line.text))


ROUTES = (compare, code)
