"""The queue: what waits, runs or failed; pause, drain, resume and run again."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from grader.errors import RefusedError, UsageError
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, may, reruns_at_most
from grader.web.site import AnyRequest, server_of
from grader.workflows.desk.queueing import queue_view
from grader.workflows.desk.steering import OUR_FAULT, drain, pause, rerun, resume

__all__ = ["ROUTES"]

_STEPS = {"pause": pause, "drain": drain, "resume": resume}


@get("/queue", opt=permits(Permission.READ_QUEUE), sync_to_thread=True)
@of_one_moment
def queue(request: AnyRequest) -> Response[str]:
    """What waits to be run since when, who runs what, and how long it takes."""
    return _queue(request, asking(request))


@post("/queue/steer", opt=permits(Permission.STEER_QUEUE), sync_to_thread=True)
def steer(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Pauses, drains or resumes the queue, or one assignment of it."""
    who, step = asking(request), _STEPS.get(form.text("step"))
    if step is None:
        raise FormError(
            "this form asks for nothing that can be done here", found=form.text("step") or "nothing"
        )
    try:
        step(who.store, form.text("assignment"), form.text("reason"), actor=who.name)
    except (RefusedError, UsageError) as error:
        return _queue(request, who, said=error.what, typed=form)
    return see_other(address("queue"))


@post("/queue/rerun", opt=permits(Permission.RERUN), sync_to_thread=True)
def run_again(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Puts submissions into the queue once more."""
    who, assignment = asking(request), form.text("assignment")
    wanted = [line.strip() for line in form.text("students").splitlines() if line.strip()]
    try:
        rerun(
            who.store,
            who.site.places,
            assignment,
            [who.named(each) for each in wanted],
            form.text("reason"),
            actor=who.name,
            most=reruns_at_most(who.role),
        )
    except (RefusedError, UsageError) as error:
        return _queue(request, who, said=error.what, typed=form)
    if form.text("from") == "student" and may(who.role, Permission.READ_WORK):
        return see_other(address("a", assignment, "s", wanted[0]))
    return see_other(address("queue"))


def _queue(request: AnyRequest, who: Asking, *, said: str = "", typed: Form | None = None) -> Response[str]:
    return page(
        request,
        "queue.html.j2",
        status=422 if said else 200,
        queue=queue_view(who.store, anonymous=who.blind, beside=server_of(request).beside(who.site)),
        said=said,
        typed=typed.text if typed else lambda name: "",
        one=reruns_at_most(who.role) == 1,
        our_fault=OUR_FAULT,
    )


ROUTES = (queue, steer, run_again)
