"""A class list, and one student's work with its history."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Response, get
from litestar.params import FromPath
from markupsafe import Markup

from grader.reporting.text import count, number
from grader.web.addresses import quoted
from grader.web.asking import asking, of_one_moment, page_number
from grader.web.guards import permits
from grader.web.rendering import address, page, text_html
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.listing import Listed, list_page
from grader.workflows.desk.student import one_student

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/students", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def students(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    who = asking(request)
    listed = list_page(who.store, assignment, page_number(request), anonymous=who.blind)
    rows = _rows(listed.items, address("a", assignment, "s"))
    return page(request, "students.html.j2", assignment=assignment, listed=listed, rows=rows)


def _rows(listed: Sequence[Listed], students: str) -> Markup:
    """A row for each, drawn without a template."""
    drawn = []
    for each in listed:
        called = text_html(each.shown)
        who = f'<a href="{text_html(f"{students}/{quoted(each.shown)}")}">{called}</a>'
        if each.name:
            who += f" {text_html(each.name)}"
        if each.state or each.outcome not in ("", "COMPLETED"):
            said = each.state or each.outcome.lower().replace("_", " ")
            who += f' <span class="quiet">{text_html(said)}</span>'
        if each.late:
            who += ' <span class="chip part">late</span>'
        waits = ""
        if each.waits:
            waits = f'<span class="chip wait">{count(len(each.waits), "criterion", "criteria")}</span>'
        if each.remarks:
            waits += f' <span class="chip part">{count(each.remarks, "remark")}</span>'
        if each.flags:
            waits += f' <span class="chip part">{count(each.flags, "flag")}</span>'
        points = "–"
        if each.points is not None and each.out_of is not None:
            points = f"{number(each.points)} / {number(each.out_of)}"
        drawn.append(f'<tr>\n<td>{who}</td>\n<td>{waits}</td>\n<td class="num">{points}</td>\n</tr>')
    return Markup("\n".join(drawn))  # noqa: S704 - each text is escaped


@get("/a/{assignment:str}/s/{student:str}", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def student(request: AnyRequest, assignment: FromPath[str], student: FromPath[str]) -> Response[str]:
    who = asking(request)
    view = one_student(who.store, assignment, who.named(student), anonymous=who.blind)
    return page(request, "student.html.j2", assignment=assignment, view=view)


ROUTES = (students, student)
