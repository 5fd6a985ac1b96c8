"""Remark requests: the queue, one request with what a decision would do, and the decision."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from grader.grading.requests import Action
from grader.grading.seen import read_seen
from grader.web.asking import asking, of_one_moment, page_number
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, may
from grader.web.site import AnyRequest
from grader.workflows.desk.request import request_for
from grader.workflows.desk.requests import requests_page
from grader.workflows.marking.remark import act, decide, find
from grader.workflows.marking.remark_preview import preview
from grader.workflows.releasing.release import show_answer, showing_of
from grader.workflows.views.show import name_of

__all__ = ["ROUTES"]

#: Shown by the page in its own way.
_ELSEWHERE = {"request", "reason", "evidence", "seen"}


@get("/a/{assignment:str}/remarks", opt=permits(Permission.READ_REMARKS), sync_to_thread=True)
@of_one_moment
def queue(request: AnyRequest, assignment: FromPath[str], all: FromQuery[str] = "") -> Response[str]:
    """Requests that wait, the oldest first; all of them where that is asked for."""
    who, every = asking(request), all == "yes"
    return page(
        request,
        "remarks.html.j2",
        assignment=assignment,
        listed=requests_page(who.store, assignment, page_number(request), every=every),
        name=name_of(who.store, who.blind),
        every=every,
    )


@get("/remarks/{id:int}", opt=permits(Permission.READ_REMARKS), sync_to_thread=True)
@of_one_moment
def one(request: AnyRequest, id: FromPath[int]) -> Response[str]:
    return _one(request, id)


@post("/remarks/{id:int}/settle", opt=permits(Permission.DECIDE_REMARKS), sync_to_thread=True)
def settle(request: AnyRequest, id: FromPath[int], form: NamedDependency[Form]) -> Response[Any]:
    """Takes a request under review, decides or rejects it, shows its answer, or what a decision would do."""
    who, step, reason = asking(request), form.text("step"), form.text("reason")
    show = form.text("keep_back") != "yes"
    if step == "preview":
        return _one(request, id, form)
    if step == "decide":
        points = form.points("points") if find(who.store, id).criterion else None
        seen = read_seen(form.text("seen")) if form.text("seen") else None
        decide(who.store, id, points=points, reason=reason, actor=who.name, seen=seen, show=show)
    elif step in (Action.REVIEW, Action.REJECT):
        act(who.store, id, Action(step), actor=who.name, reason=reason, show=show)
    elif step == "show":
        show_answer(who.store, id, actor=who.name)
    else:
        raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    return see_other(address("remarks", str(id)))


def _one(request: AnyRequest, id: int, form: Form | None = None) -> Response[str]:
    """One request; with a form, what its points would do."""
    who = asking(request)
    wanted = request_for(who.store, id, anonymous=who.blind)
    remark = wanted.remark
    tried = None
    if form is not None:
        tried = preview(who.store, id, form.points("points") if remark.criterion else None, actor=who.name)
    return page(
        request,
        "remark.html.j2",
        assignment=remark.assignment,
        remark=remark,
        wanted=wanted,
        parts=[(label, text) for label, text in wanted.parts if label not in _ELSEWHERE],
        seen=next((text.split()[0] for label, text in wanted.parts if label == "seen"), ""),
        tried=tried,
        showing=showing_of(who.store, remark, may_change=may(who.role, Permission.DECIDE_REMARKS)),
        keep_back=form is not None and form.text("keep_back") == "yes",
        points=form.text("points") if form else "",
        reason=form.text("reason") if form else "",
    )


ROUTES = (queue, one, settle)
