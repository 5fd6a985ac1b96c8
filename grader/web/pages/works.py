"""The first page of a course: every assignment, and what waits there."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, is_limited, may
from grader.web.site import AnyRequest
from grader.workflows.desk.courses import works_of
from grader.workflows.setting_up.sharing import to_take

__all__ = ["ROUTES"]


@get("/", opt=permits(Permission.SIGNED_IN), sync_to_thread=True)
@of_one_moment
def works(request: AnyRequest) -> Response[Any]:
    who = asking(request)
    if may(who.role, Permission.OWN_WORK):
        return see_other(address("my"))
    if not may(who.role, Permission.READ_WORK):
        return page(request, "nothing.html.j2", course=who.site.course)
    works = works_of(who.store)
    there = {work.assignment for work in works}
    more = [name for name in to_take(who.site.store) if name not in there] if is_limited(who.role) else []
    return page(request, "works.html.j2", course=who.site.course, works=works, more=more)


ROUTES = (works,)
