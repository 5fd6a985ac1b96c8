"""What keeps a course going: the queue with whoever works at it, and who is in the course."""

from __future__ import annotations

from litestar import Response, get

from grader.web.asking import asking, of_one_moment, page_number
from grader.web.guards import permits
from grader.web.rendering import page
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.desk.people import people_view
from grader.workflows.desk.queueing import queue_view

__all__ = ["ROUTES"]


@get("/queue", opt=permits(Permission.READ_QUEUE), sync_to_thread=True)
@of_one_moment
def queue(request: AnyRequest) -> Response[str]:
    """What waits to be run since when, who runs what, and how long it takes."""
    who = asking(request)
    return page(request, "queue.html.j2", queue=queue_view(who.store, anonymous=who.blind))


@get("/people", opt=permits(Permission.READ_PEOPLE), sync_to_thread=True)
@of_one_moment
def people(request: AnyRequest) -> Response[str]:
    """The roster, and who has which role."""
    site = asking(request).site
    accounts = server_of(request).home.store
    view = people_view(site.store, accounts, site.course.name, page_number(request))
    return page(request, "people.html.j2", people=view)


ROUTES = (queue, people)
