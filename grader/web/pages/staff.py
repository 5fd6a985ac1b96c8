"""Who is in the course."""

from __future__ import annotations

from litestar import Response, get
from markupsafe import Markup

from grader.web.asking import asking, of_one_moment, page_number
from grader.web.guards import permits
from grader.web.rendering import page, text_html
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.desk.people import PeopleView, people_view

__all__ = ["ROUTES"]


@get("/people", opt=permits(Permission.READ_PEOPLE), sync_to_thread=True)
@of_one_moment
def people(request: AnyRequest) -> Response[str]:
    """The roster, and who has which role."""
    site = asking(request).site
    accounts = server_of(request).home.store
    view = people_view(site.store, accounts, site.course.name, page_number(request))
    return page(request, "people.html.j2", people=view, rows=_rows(view))


def _rows(view: PeopleView) -> Markup:
    """The roster's rows, drawn without a template."""
    drawn = []
    for each in view.people:
        called = text_html(each.student)
        if each.name:
            called = f'{text_html(each.name)} <span class="quiet">{called}</span>'
        absent = ' <span class="chip part">nothing handed in</span>' if each.student in view.absent else ""
        known = ", ".join(filter(None, (each.login, each.number, each.email, each.section)))
        drawn.append(
            f'<tr><td>{called}{absent}</td><td><span class="quiet">{text_html(known)}</span></td></tr>'
        )
    return Markup("\n".join(drawn))  # noqa: S704 - each text is escaped


ROUTES = (people,)
