"""Released marks for the course system: what would be sent, and sending it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from grader.errors import GraderError, RefusedError
from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.jobs import Told
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.lti.asking import PlatformError
from grader.workflows.lti.scores import Pushed, push_scores
from grader.workflows.lti.services import services_of

__all__ = ["ROUTES"]

_KIND = "marks for the course system"
#: Most of it takes no longer; who has more students waits on a page that says so.
_WAIT_S = 5.0


@get("/a/{assignment:str}/release/push", opt=permits(Permission.RELEASE), sync_to_thread=True)
@of_one_moment
def push(request: AnyRequest, assignment: FromPath[str], job: FromQuery[str] = "") -> Response[str]:
    """What would be sent; with a job, what became of it."""
    who = asking(request)
    begun = who.site.jobs.find(job, who.name) if job else None
    if begun is not None and begun.kind == _KIND and begun.about == assignment:
        pushed, problem = begun.result, begun.error
        failed = begun.failed
    else:
        begun, failed = None, False
        pushed, problem = _tried(request, assignment)
    return page(
        request,
        "push.html.j2",
        assignment=assignment,
        pushed=pushed,
        problem=problem,
        failed=failed,
        sending=begun is not None and not begun.is_over,
        was_sent=begun is not None,
    )


@post("/a/{assignment:str}/release/push/send", opt=permits(Permission.RELEASE), sync_to_thread=True)
def send(request: AnyRequest, assignment: FromPath[str]) -> Response[Any]:
    """Sends what is released now. A server that is stopped meanwhile has kept what was taken; send again."""
    who, home = asking(request), server_of(request).home.store

    def work(_: Told) -> Pushed:
        return push_scores(home, who.store, assignment, services_of(home), send=True)

    job = who.site.jobs.start(who.name, _KIND, assignment, work, wait_s=_WAIT_S)
    return see_other(f"{address('a', assignment, 'release', 'push')}?job={job.id}")


def _tried(request: AnyRequest, assignment: str) -> tuple[Pushed | None, GraderError | None]:
    """Reads the platform and sends nothing."""
    home = server_of(request).home.store
    try:
        return push_scores(home, asking(request).store, assignment, services_of(home)), None
    except (RefusedError, PlatformError) as error:
        return None, error


ROUTES = (push, send)
