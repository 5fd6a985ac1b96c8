"""The first page of the server: the courses that somebody is in; who is in one is there at once."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.exceptions import NotAuthorizedException

from grader.web.addresses import server_address
from grader.web.guards import permits
from grader.web.rendering import page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of

__all__ = ["ROUTES"]


@get("/", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
def courses(request: AnyRequest) -> Response[Any]:
    server = server_of(request)
    session = server.session_of(request)
    if session is None:
        raise NotAuthorizedException("nobody is signed in here")
    found = [site.course for site in server.courses_of(session)]
    if len(found) == 1:
        return see_other(server_address("c", found[0].name))
    return page(request, "courses.html.j2", courses=found)


ROUTES = (courses,)
