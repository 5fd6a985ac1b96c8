"""The class at a glance: what `grader summary` shows, and the slides that it writes."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Response, get
from litestar.params import FromPath, FromQuery

from grader.reporting import render_slides
from grader.reporting.summary_pages import summary_parts
from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import fragment, page
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.figures import agreements, figures_of
from grader.workflows.desk.glance import at_a_glance
from grader.workflows.desk.steadiness import steadiness

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/summary", opt=permits(Permission.READ_CLASS), sync_to_thread=True)
@of_one_moment
def summary(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    asks = asking(request)
    store = asks.store
    made = at_a_glance(store, assignment)
    return page(
        request,
        "class.html.j2",
        assignment=assignment,
        made=made,
        figures=figures_of(store, assignment),
        agreements=agreements(store, assignment),
        steadiness=steadiness(store, assignment, anonymous=asks.blind),
        **summary_parts(made.summary),
    )


@get(
    "/a/{assignment:str}/figures",
    opt=permits(Permission.READ_CLASS),
    media_type=MediaType.JSON,
    sync_to_thread=True,
)
@of_one_moment
def figures(request: AnyRequest, assignment: FromPath[str], after: FromQuery[str] = "") -> Response[Any]:
    """For the script: the figures, with the newest row that they know; nothing where no row came after."""
    found = figures_of(asking(request).store, assignment)
    if after == str(found.row):
        return Response(None, status_code=204)
    return Response({"row": found.row, "html": fragment("class_figures.html.j2", figures=found)})


@get("/a/{assignment:str}/slides.md", opt=permits(Permission.READ_CLASS), sync_to_thread=True)
@of_one_moment
def slides(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    """The common issues for the lecture; no student is named."""
    text = render_slides(at_a_glance(asking(request).store, assignment).summary)
    headers = {"content-disposition": 'attachment; filename="slides.md"'}
    return Response(text, media_type="text/markdown", headers=headers)


ROUTES = (summary, figures, slides)
