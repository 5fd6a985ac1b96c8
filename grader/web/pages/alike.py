"""All submissions whose answers or findings are alike, decided in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from grader.errors import RefusedError, UsageError
from grader.grading.seen import read_seen
from grader.reporting.text import listed
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.pages.grading import choices
from grader.web.rendering import address, page, see_other, text_html
from grader.web.roles import Permission, alike_at_most
from grader.web.site import AnyRequest
from grader.workflows.desk.deciding import Alike, decide_alike
from grader.workflows.desk.groups import Group, Heading, Member, group_of
from grader.workflows.desk.items import comments_kept, item_kept

__all__ = ["ROUTES"]

#: So many of a group have a box on one page; the others come once these are decided.
_SHOWN = 100


@get("/a/{assignment:str}/alike/{criterion:str}", opt=permits(Permission.MARK_ALIKE), sync_to_thread=True)
@of_one_moment
def alike(
    request: AnyRequest, assignment: FromPath[str], criterion: FromPath[str], group: FromQuery[str] = ""
) -> Response[Any]:
    """One group: the exemplar, a box before each member, and those that are nearly alike."""
    who = asking(request)
    heading, found = _group(who, assignment, criterion, group)
    if found is None:
        return see_other(address("a", assignment, "grade", criterion))
    return _shown(request, who, heading, found)


@post(
    "/a/{assignment:str}/alike/{criterion:str}/decide",
    opt=permits(Permission.MARK_ALIKE),
    sync_to_thread=True,
)
def decide(
    request: AnyRequest, assignment: FromPath[str], criterion: FromPath[str], form: NamedDependency[Form]
) -> Response[Any]:
    """Gives all that were chosen the same points, by one sealed row."""
    who = asking(request)
    try:
        decide_alike(
            who.store,
            assignment,
            criterion,
            form.points("other" if form.text("give") == "other" else "points"),
            form.text("comment"),
            [_chosen(who, text) for text in form.all("chosen")],
            actor=who.name,
            most=alike_at_most(who.role),
        )
    except (RefusedError, UsageError) as error:
        heading, group = _group(who, assignment, criterion, form.text("group"))
        if group is None:
            raise
        return _shown(request, who, heading, group, said=error.what, comment=form.text("comment"))
    return see_other(address("a", assignment, "grade", criterion))


def _group(who: Asking, assignment: str, criterion: str, key: str) -> tuple[Heading, Group | None]:
    for store in who.walks(assignment):
        heading, found = group_of(store, assignment, criterion, key, most=_SHOWN, anonymous=who.blind)
        if found is not None:
            break
    return heading, found


def _chosen(who: Asking, text: str) -> Alike:
    """One box: what was seen, and of whom."""
    seen, _, student = text.partition(" ")
    if not student:
        raise FormError("this form is damaged; load the page again", where="chosen", found=text[:40])
    return Alike(who.named(student), read_seen(seen))


def _shown(
    request: AnyRequest, who: Asking, heading: Heading, group: Group, *, said: str = "", comment: str = ""
) -> Response[str]:
    assignment, criterion, most = heading.assignment, heading.criterion, alike_at_most(who.role)
    item = item_kept(
        who.store,
        assignment,
        group.exemplar.student,
        criterion,
        anonymous=who.blind,
        reference=who.site.reference,
    )
    return page(
        request,
        "alike.html.j2",
        status=422 if said else 200,
        assignment=assignment,
        groups=heading,
        group=group,
        members=_boxes(heading, group, group.members, checked=most or len(group.members)),
        near=_boxes(heading, group, group.near, checked=0),
        item=item,
        most=most,
        choices=choices(item),
        bank=comments_kept(who.store, assignment, criterion)[:4],
        said=said,
        comment=comment or (group.offer.comment if group.offer else ""),
    )


def _boxes(heading: Heading, group: Group, members: Sequence[Member], *, checked: int) -> Markup:
    """A line with a box for each, the first of them ticked; drawn without a template, as there are many."""
    exemplar, criterion = group.exemplar.shown, text_html(quote(heading.criterion))
    look = text_html(address("a", heading.assignment, "grade", heading.criterion))
    beside = f"{text_html(address('a', heading.assignment, 'compare'))}?left={quote(exemplar)}"
    drawn = []
    for at, member in enumerate(members):
        shown, named = text_html(member.shown), quote(member.shown)
        ticked = " checked" if at < checked else ""
        line = (
            f'<li><label><input type="checkbox" name="chosen" value="{member.seen} {shown}"{ticked}> {shown}'
            "</label>"
        )
        if member.differs:
            line += f' <span class="quiet">{text_html(listed(member.differs))}</span>'
        line += f' <a href="{look}?student={named}">look</a>'
        if member.shown != exemplar:
            line += f' · <a href="{beside}&amp;right={named}&amp;criterion={criterion}">compare</a>'
        drawn.append(f"{line}</li>")
    return Markup("\n".join(drawn))  # noqa: S704 - each text is escaped


ROUTES = (alike, decide)
