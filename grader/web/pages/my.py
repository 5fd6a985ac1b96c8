"""A student's own pages: all works, the feedback on one as of its release, and remark requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from grader.errors import RefusedError
from grader.grading.requests import Action
from grader.reporting.report import ReportFrame, report_parts
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, fragment, page, private, see_other, untrusted, untrusted_html
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.desk.notebook import Notebook
from grader.workflows.own_work.feedback import (
    Feedback,
    attempt_shown,
    drawn_of,
    feedback_of,
    notebook_of,
    report_file,
    report_of,
)
from grader.workflows.own_work.listing import own_work, own_works
from grader.workflows.own_work.requests import (
    LONGEST,
    Window,
    ask,
    may_ask,
    own_requests,
    step_on,
    window_of,
)

__all__ = ["ROUTES"]


@dataclass(frozen=True)
class _Own:
    """A student who is signed in, and under which id they hand in: nothing else finds an object here."""

    who: Asking
    student: str


def _own(request: AnyRequest) -> _Own:
    """Whose pages these are.

    Raises:
        NotFoundException: They hand in nothing to this course.
    """
    who, session = asking(request), server_of(request).session_of(request)
    student = session.student_in(who.site.course.name) if session is not None else None
    if student is None:
        raise NotFoundException
    return _Own(who, student)


@get("/my", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def works(request: AnyRequest) -> Response[str]:
    """Everything of one's own at a glance."""
    who, session = asking(request), server_of(request).session_of(request)
    student = session.student_in(who.site.course.name) if session is not None else None
    found = own_works(who.store, student, who.site.places) if student is not None else []
    return private(page(request, "my.html.j2", course=who.site.course, student=student, works=found))


@get("/my/{assignment:str}", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def feedback(request: AnyRequest, assignment: FromPath[str], as_of: FromQuery[str] = "") -> Response[str]:
    """The feedback report once it is released; before that, that something came."""
    own = _own(request)
    store = own.who.store
    at_a_glance = own_work(store, assignment, own.student, own.who.site.places)
    if at_a_glance is None:
        raise NotFoundException
    found = feedback_of(store, assignment, own.student, on=as_of)
    if found is None:
        return private(page(request, "my_received.html.j2", work=at_a_glance, as_of=as_of))
    window = window_of(found.rules, store.clock())
    frame = ReportFrame(
        notebook=address("untrusted", "my", assignment, "notebook"),
        notebook_words="notebook as it ran",
        as_text=True,
        asks={} if found.on else _asks(found, window),
        how_to_ask="You can ask about the mark as it is shown today." if found.on else _how_to_ask(window),
    )
    return private(
        page(
            request, "my_feedback.html.j2", work=at_a_glance, found=found, **_report_shown(own, found, frame)
        )
    )


def _report_shown(own: _Own, found: Feedback, frame: ReportFrame) -> dict[str, Any]:
    """What the page shows of the report: as it was drawn before, where that was of the very same."""
    store, reference = own.who.store, own.who.site.reference

    def draw() -> str:
        return fragment("report_body.html.j2", **report_parts(report_of(store, found, reference), frame))

    mark, drawn = found.shown.result.mark, drawn_of(store, found, reference)
    if drawn is not None and mark is not None and not mark.held:
        framed = (frame.notebook, frame.how_to_ask, tuple(frame.asks.items()))
        body = own.who.site.own.get(("report", own.student, framed, drawn), draw, erased=store.erased)
        return {"body": Markup(body), "lines": None, "let_go": None}  # noqa: S704 - drawn by our own template
    parts = report_parts(report_of(store, found, reference), frame)
    if parts["mark"].held:
        return {"body": "", "lines": parts["lines"], "let_go": parts["report"].let_go}
    body = fragment("report_body.html.j2", **parts)
    return {"body": Markup(body), "lines": None, "let_go": parts["report"].let_go}  # noqa: S704 - as above


def _asks(found: Feedback, window: Window) -> dict[str, str]:
    remark = address("my", found.shown.result.assignment, "remark")
    return {
        item.criterion: f"{remark}?{urlencode({'criterion': item.criterion})}"
        for item in may_ask(found.shown, window)
    }


def _how_to_ask(window: Window) -> str:
    if window is Window.OPEN:
        return "Each criterion that can be looked at again has a link under it: “Ask for a remark”."
    return "Remark requests are taken later." if window is Window.EARLY else ""


@get("/my/{assignment:str}/remark", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def remark(request: AnyRequest, assignment: FromPath[str], criterion: FromQuery[str] = "") -> Response[str]:
    """The rules, a form for one criterion, and all requests of one's own with their state."""
    return _remark(request, assignment, criterion)


@post("/my/{assignment:str}/remark/send", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
def send(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Asks, withdraws, or asks for a last look; what is refused is said above what was typed."""
    own, step, reason = _own(request), form.text("step"), form.text("reason")
    criterion = form.text("criterion")
    try:
        if step == "ask":
            ask(
                own.who.store,
                assignment,
                own.student,
                criterion=criterion,
                reason=reason,
                accepted=form.text("accept") == "yes",
            )
        elif step in (Action.WITHDRAW, Action.ESCALATE):
            step_on(own.who.store, assignment, own.student, form.whole("id") or 0, Action(step), reason)
        else:
            raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    except RefusedError as error:
        return _remark(request, assignment, criterion, refused=error, typed=reason)
    return see_other(address("my", assignment, "remark"))


def _remark(
    request: AnyRequest, work: str, criterion: str, *, refused: RefusedError | None = None, typed: str = ""
) -> Response[str]:
    own = _own(request)
    found = own_requests(own.who.store, work, own.student)
    return private(
        page(
            request,
            "my_remark.html.j2",
            status=200 if refused is None else 422,
            work=work,
            found=found,
            asked=next((item for item in found.can_ask if item.criterion == criterion), None),
            criterion=criterion,
            refused=refused,
            typed=typed,
            longest=LONGEST,
        )
    )


@get("/untrusted/my/{assignment:str}/notebook", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def notebook(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    """The notebook whose mark is shown, as it ran."""
    own = _own(request)
    store = own.who.store
    attempt = attempt_shown(store, assignment, own.student)
    if attempt is None:
        raise NotFoundException

    def draw() -> str:
        drawn = Notebook("you", notebook_of(store, attempt))
        return untrusted_html("notebook.html.j2", notebook=drawn, assignment=assignment)

    name = ("notebook", own.student, assignment, attempt.evidence)
    if attempt.evidence not in store.blobs:
        # What the course let go of is shown no longer, though it was drawn before.
        return private(untrusted(draw()))
    return private(untrusted(own.who.site.own.get(name, draw, erased=store.erased)))


@get("/untrusted/my/{assignment:str}/report", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def report(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    """The feedback report as one file to keep, which no browser opens as a page of ours."""
    own = _own(request)
    store, reference = own.who.store, own.who.site.reference
    found = feedback_of(store, assignment, own.student)
    if found is None:
        raise NotFoundException

    def draw() -> str:
        return report_file(store, found, reference)

    drawn = drawn_of(store, found, reference)
    name = ("file", own.student, found.shown.release.at, drawn)
    html = draw() if drawn is None else own.who.site.own.get(name, draw, erased=store.erased)
    answer = private(untrusted(html))
    answer.media_type = MediaType.HTML
    answer.headers["content-disposition"] = 'attachment; filename="feedback.html"'
    return answer


ROUTES = (works, feedback, remark, send, notebook, report)
