"""Who is in the course."""

from __future__ import annotations

from litestar import Response, get

from grader.web.asking import asking, of_one_moment, page_number
from grader.web.guards import permits
from grader.web.rendering import page
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.desk.people import people_view

__all__ = ["ROUTES"]


@get("/people", opt=permits(Permission.READ_PEOPLE), sync_to_thread=True)
@of_one_moment
def people(request: AnyRequest) -> Response[str]:
    """The roster, and who has which role."""
    site = asking(request).site
    accounts = server_of(request).home.store
    view = people_view(site.store, accounts, site.course.name, page_number(request))
    return page(request, "people.html.j2", people=view)


ROUTES = (people,)
