"""What students are shown of an assignment: what a release would change, the release, and taking it back."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from grader.web.asking import asking, of_one_moment, page_number
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.releasing.preview import Moved, named, preview_of
from grader.workflows.releasing.release import hide_marks, release_marks
from grader.workflows.views.parts import part_of

__all__ = ["ROUTES"]

_WORDS = {
    Moved.FALLEN: "fell",
    Moved.RISEN: "rose",
    Moved.NEW: "new",
    Moved.GONE: "shown no longer",
    Moved.OTHERWISE: "the same points, otherwise given",
}


@get("/a/{assignment:str}/release", opt=permits(Permission.READ_RELEASE), sync_to_thread=True)
@of_one_moment
def release(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    who = asking(request)
    found = preview_of(who.store, assignment)
    kinds = []
    for moved, word in _WORDS.items():
        if found.that(moved):
            part = part_of(found.that(moved), page_number(request, moved))
            kinds.append((word, moved, part, named(who.store, part.items)))
    connected = server_of(request).home.store.platforms.contexts(course=who.site.course.name)
    return page(
        request,
        "release.html.j2",
        assignment=assignment,
        found=found,
        kinds=kinds,
        without=part_of(found.without, page_number(request, "without")),
        connected=connected,
    )


@post("/a/{assignment:str}/release/now", opt=permits(Permission.RELEASE), sync_to_thread=True)
def now(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Releases what the form's page showed, whatever was written since."""
    who, upto = asking(request), form.whole("upto")
    if upto is None:
        raise FormError("this form is damaged; load the page again", where="upto", found="nothing")
    release_marks(
        who.store,
        assignment,
        upto=upto,
        reason=form.text("reason"),
        actor=who.name,
        in_pieces=form.text("in_pieces") == "yes",
    )
    return see_other(address("a", assignment, "release"))


@post("/a/{assignment:str}/release/hide", opt=permits(Permission.RELEASE), sync_to_thread=True)
def hide(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    who = asking(request)
    hide_marks(who.store, assignment, reason=form.text("reason"), actor=who.name)
    return see_other(address("a", assignment, "release"))


ROUTES = (release, now, hide)
