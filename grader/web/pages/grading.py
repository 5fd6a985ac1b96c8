"""One criterion, student after student: looked at, decided, undone, flagged."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from grader.errors import GraderError, OvertakenError, RefusedError, UsageError
from grader.grading.seen import read_seen
from grader.reporting.findings import look_for_staff
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.pages.untrusted import answer_shown
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, may
from grader.web.site import AnyRequest
from grader.workflows.desk.deciding import last_given, undo_last
from grader.workflows.desk.flags import raise_flag, settle_flag
from grader.workflows.desk.groups import Place, place_of
from grader.workflows.desk.item import Item
from grader.workflows.desk.items import comments_kept, item_kept, last_kept
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.show import name_of

__all__ = ["ROUTES", "choices", "where_of"]

_COMMENTS = 6
#: So often the next is looked for where others decide it meanwhile.
_LOOKS = 5
#: What our script says of a page that it fetches: it is the `next`, which nobody looks at yet, or `shown`.
_BY_SCRIPT = "x-ahead"
#: From this many on, points are typed rather than chosen from a row of buttons.
_BUTTONS = 10


@get("/a/{assignment:str}/grade/{criterion:str}", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def grade(
    request: AnyRequest,
    assignment: FromPath[str],
    criterion: FromPath[str],
    student: FromQuery[str] = "",
    next: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Response[str]:
    """One criterion of one student.

    It is the one asked for (`student`); else `next`, if they still wait; else the first who waits.
    """
    who = asking(request)
    student = who.named(student) if student else ""
    return _looked_at(request, who, assignment, criterion, student, next=next, before=before)


def _looked_at(
    request: AnyRequest,
    who: Asking,
    assignment: str,
    criterion: str,
    student: str = "",
    *,
    next: str,
    before: str,
    at: str = "",
) -> Response[str]:
    """The page that `grade` answers with; `at` is its address, where another one was asked for."""
    for _ in range(_LOOKS):
        place = where_of(who, assignment, criterion, student, prefer=next)
        if not place.shown:
            last = last_kept(who.store, assignment, criterion, actor=who.name)
            return page(
                request, "done.html.j2", assignment=assignment, groups=place.heading, last=last, at=at
            )
        item = _item(who, place)
        # Whoever goes on to the next is not shown what somebody decided at this very moment.
        if student or item.seen == place.seen:
            break
        who.store.renew_moment()
    return _one(request, who, place, item, before=before, after=next if student else "", at=at)


@post("/a/{assignment:str}/give/{criterion:str}", opt=permits(Permission.MARK), sync_to_thread=True)
def give(
    request: AnyRequest, assignment: FromPath[str], criterion: FromPath[str], form: NamedDependency[Form]
) -> Response[Any]:
    """Gives points to one submission and goes on to the next that waits.

    The browser is led there, so that loading again sends nothing twice. Our script says what it wants instead
    (`answer`): the `page` of the next, that of the next which is `shown` already, or `none`. It says as well
    that it sends a form once more whose answer never came (`again`): what that has given is not given twice.
    """
    who = asking(request)
    student = who.named(form.text("student"))
    points = form.points("other" if form.text("give") == "other" else "points")
    order = MarkOrder(
        student,
        criterion,
        points,
        form.text("comment"),
        seen=read_seen(form.text("seen")),
        only=form.text("only") == "yes",
    )
    try:
        give_marks(who.store, assignment, [order], actor=who.name)
    except OvertakenError as error:
        if not (form.text("again") == "yes" and _is_given(who, assignment, order)):
            return page(
                request,
                "overtaken.html.j2",
                status=409,
                assignment=assignment,
                criterion=criterion,
                order=order,
                after=form.text("next"),
                error=error,
            )
    except (RefusedError, UsageError) as error:
        place = where_of(who, assignment, criterion, student)
        return _one(request, who, place, _item(who, place), said=error.what, comment=order.comment)
    after = form.text("next")
    at = _grading(assignment, criterion, next=after, before=student)
    wanted = form.text("answer")
    if wanted == "none":
        return Response(b"", status_code=204)
    if wanted in ("page", "shown"):
        # The mark is given, so whatever is wrong with the next is told by a page of its own.
        with suppress(Exception), who.moment():
            shown = who.named(after) if wanted == "shown" else ""
            prefer = "" if shown else after
            return _looked_at(request, who, assignment, criterion, shown, next=prefer, before=student, at=at)
    return see_other(at)


def _is_given(who: Asking, assignment: str, order: MarkOrder) -> bool:
    """Whether somebody's newest mark of the criterion is the very one that they ask for."""
    newest = last_given(who.store, assignment, order.criterion, actor=who.name)
    if newest is None or (newest.points, newest.comment) != (order.points, order.comment):
        return False
    shown = name_of(who.store, who.blind)
    return order.student in {shown(each.student) for each in newest.about}


@post("/a/{assignment:str}/undo/{criterion:str}", opt=permits(Permission.MARK), sync_to_thread=True)
def undo(
    request: AnyRequest, assignment: FromPath[str], criterion: FromPath[str], form: NamedDependency[Form]
) -> Response[Any]:
    """Undoes one's own newest decision on this criterion, if it still is the one that the page named."""
    who = asking(request)
    newest = last_given(who.store, assignment, criterion, actor=who.name)
    if newest is None or newest.seq != form.whole("mark"):
        raise FormError("that decision is not your newest any more; load the page again")
    undone = undo_last(who.store, assignment, actor=who.name, criterion=criterion)
    back = name_of(who.store, who.blind)(undone.given.about[0].student)
    return see_other(_grading(assignment, criterion, student=back))


@post("/a/{assignment:str}/flag/{criterion:str}", opt=permits(Permission.MARK), sync_to_thread=True)
def flag(
    request: AnyRequest, assignment: FromPath[str], criterion: FromPath[str], form: NamedDependency[Form]
) -> Response[Any]:
    """Asks the head TA to look, or says that it is settled."""
    who = asking(request)
    student = who.named(form.text("student"))
    if form.text("step") == "settle":
        settle_flag(who.store, assignment, student, criterion, actor=who.name)
    else:
        raise_flag(who.store, assignment, student, criterion, form.text("note"), actor=who.name)
    return see_other(_grading(assignment, criterion, student=student))


def where_of(who: Asking, assignment: str, criterion: str, student: str = "", *, prefer: str = "") -> Place:
    """Where somebody stands in what waits: in one's own share, as long as anybody does there."""
    for store in who.walks(assignment):
        place = place_of(store, assignment, criterion, student, prefer=prefer, anonymous=who.blind)
        if place.heading.waits:
            break
    return place


def _item(who: Asking, place: Place) -> Item:
    return item_kept(
        who.store,
        place.heading.assignment,
        place.shown,
        place.heading.criterion,
        anonymous=who.blind,
        reference=who.site.reference,
    )


def _one(
    request: AnyRequest,
    who: Asking,
    place: Place,
    item: Item,
    *,
    before: str = "",
    after: str = "",
    said: str = "",
    comment: str = "",
    at: str = "",
) -> Response[str]:
    """One criterion of one student with everything that decides it."""
    store, assignment, criterion = who.store, place.heading.assignment, place.heading.criterion
    if item.shown != place.shown:  # They were named in another way than pages name them.
        place = where_of(who, assignment, criterion, item.shown)
    following = after or place.after
    presence, here = who.site.presence, (assignment, criterion, item.student)
    fetched = request.headers.get(_BY_SCRIPT, "")
    if may(who.role, Permission.MARK) and fetched != "next":
        presence.arrive(who.name, *here)
    answer = page(
        request,
        "grade.html.j2",
        status=422 if said else 200,
        assignment=assignment,
        item=item,
        groups=place.heading,
        group=place.group,
        before=before or place.before,
        after=following,
        look=look_for_staff(item.status, item.counts, item.asked.points),
        figures=[Markup(figure) for figure in item.found.figures],  # noqa: S704 - drawn by grader.reporting
        choices=choices(item),
        bank=comments_kept(store, assignment, criterion)[:_COMMENTS],
        last=last_kept(store, assignment, criterion, actor=who.name),
        flag=item.flag,
        others=presence.others(who.name, *here),
        said=said,
        at=at,
        here_=_grading(assignment, criterion, student=item.shown, before=before),
        # Who was decided already is looked at again, and not gone on to by points.
        ahead=_grading(assignment, criterion, next=following, before=item.shown)
        if following and following == place.after
        else "",
        comment=comment or next((mark.comment for mark in item.marks if mark.counts), ""),
    )
    if following and not (said or fetched):
        # While this one is read, the next is made ready; our script asks for it anyway.
        answer.background = BackgroundTask(_prepare, who, assignment, following, criterion)
    return answer


def _prepare(who: Asking, assignment: str, student: str, criterion: str) -> None:
    with suppress(GraderError):  # Whoever opens it is told.
        answer_shown(who, assignment, student, criterion)


def choices(item: Item) -> list[float]:
    """Whole points from nothing to all, and all where that is not whole; few where points are to be typed."""
    most = item.asked.points
    whole = [float(each) for each in range(int(most) + 1)]
    if len(whole) > _BUTTONS + 1:
        return [0.0, most]
    return whole if whole[-1] == most else [*whole, most]


def _grading(assignment: str, criterion: str, **query: str) -> str:
    told = urlencode({name: text for name, text in query.items() if text})
    return address("a", assignment, "grade", criterion) + (f"?{told}" if told else "")


ROUTES = (grade, give, undo, flag)
