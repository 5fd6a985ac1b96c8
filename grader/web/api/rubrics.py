"""The rubric of an assignment, as far as whoever asks may see it."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Meta, Struct

from grader.web.api.answers import answer, tagged
from grader.web.api.models import Points
from grader.web.asking import Asking, asking
from grader.web.guards import permits_programs
from grader.web.roles import Permission, may
from grader.web.site import AnyRequest
from grader.workflows.accounts.tokens import Scope
from grader.workflows.programs.rubrics import public_rubric, whole_rubric

__all__ = ["ROUTES"]


class RubricLine(Struct, frozen=True, kw_only=True):
    """One criterion of a rubric."""

    id: str
    title: str
    out_of: Points
    public: Annotated[bool, Meta(description="Whether students see before they hand in how it comes out.")]
    check: Annotated[str | None, Meta(description="Its kind; null for who does not grade.")]
    asks: Annotated[str | None, Meta(description="What is asked, Markdown; null for who does not grade.")]
    guide: Annotated[str | None, Meta(description="What earns what, Markdown; null for who does not grade.")]


class RubricDetail(Struct, frozen=True, kw_only=True):
    """A rubric: all of it for who may try rubrics out, its lines for graders, its public lines for others."""

    assignment: str
    title: str
    total: Annotated[Points | None, Meta(description="Null for who does not grade.")]
    digest: Annotated[str, Meta(description="SHA-256 of its text.")] | None
    lines: list[RubricLine]
    text: Annotated[str | None, Meta(description="As it stands in its file, YAML.")]


@get(
    "/assignments/{assignment:str}/rubric",
    operation_id="getRubric",
    summary="The rubric of an assignment",
    tags=["courses"],
    opt=permits_programs(Permission.SIGNED_IN, Scope.READ, tagged=True),
    sync_to_thread=True,
)
def rubric(request: AnyRequest, assignment: FromPath[str]) -> Response[RubricDetail]:
    """The newest verdict's rubric; before the first the one that counts for what is handed in.

    Graders see its lines with their guides; its text, which may hold answers, is for who may try rubrics out.
    Others see its public lines alone: those that a pre-check looks at.
    """
    who = asking(request)
    made, digest = _seen_by(who, assignment)
    return tagged(request, f"{digest[:24]}-{who.role.value}", lambda: answer(made))


def _seen_by(who: Asking, assignment: str) -> tuple[RubricDetail, str]:
    grades = may(who.role, Permission.READ_WORK)
    if grades:
        found = whole_rubric(who.store, assignment)
    else:
        found = public_rubric(who.store, who.site.places, assignment)
    if found is None:
        raise NotFoundException
    lines = [
        RubricLine(
            id=each.id,
            title=each.title,
            out_of=each.points,
            public=each.public,
            check=each.check.check if grades else None,
            asks=each.asks if grades else None,
            guide=each.guide if grades else None,
        )
        for each in found.rubric.criteria
        if grades or each.public
    ]
    made = RubricDetail(
        assignment=assignment,
        title=found.rubric.title,
        total=found.rubric.total if grades else None,
        digest=found.rubric.digest if grades else None,
        lines=lines,
        text=found.text if may(who.role, Permission.TRY_RUBRIC) else None,
    )
    return made, found.kept.digest


ROUTES = (rubric,)
