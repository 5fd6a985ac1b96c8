"""What students handed in, each page without an origin: nothing in it runs, fetches or reads cookies."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath
from markupsafe import Markup

from grader.reporting.code import highlighted
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import untrusted, untrusted_html
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.answer import AnswerCell
from grader.workflows.desk.items import item_kept
from grader.workflows.desk.notebook import executed_notebook

__all__ = ["ROUTES", "answer_shown"]


@get(
    "/untrusted/a/{assignment:str}/s/{student:str}/notebook",
    opt=permits(Permission.READ_WORK),
    sync_to_thread=True,
)
@of_one_moment
def notebook(request: AnyRequest, assignment: FromPath[str], student: FromPath[str]) -> Response[str]:
    """The notebook as our run left it."""
    who = asking(request)
    drawn = executed_notebook(who.store, assignment, who.named(student), anonymous=who.blind)
    return untrusted(untrusted_html("notebook.html.j2", notebook=drawn, assignment=assignment))


@get(
    "/untrusted/a/{assignment:str}/s/{student:str}/answer/{criterion:str}",
    opt=permits(Permission.READ_WORK),
    sync_to_thread=True,
)
@of_one_moment
def answer(
    request: AnyRequest, assignment: FromPath[str], student: FromPath[str], criterion: FromPath[str]
) -> Response[str]:
    """What a student answered to one criterion, with their own outputs beside those of our run."""
    who = asking(request)
    return untrusted(answer_shown(who, assignment, who.named(student), criterion))


def answer_shown(who: Asking, assignment: str, student: str, criterion: str) -> str:
    """The page of an answer; drawn once as long as nothing of it changes."""
    store, reference = who.store, who.site.reference
    with who.moment():
        item = item_kept(store, assignment, student, criterion, anonymous=who.blind, reference=reference)
        erased = store.erased
    name = (assignment, student, criterion, who.blind)
    return who.site.drawn.get(
        name,
        item,
        lambda: untrusted_html("answer.html.j2", item=item, colour=_coloured),
        erased=erased,
    )


def _coloured(cell: AnswerCell) -> list[Markup]:
    """Each line of code in colours; none where lines would not fit their numbers."""
    lines = highlighted(cell.source) if cell.kind == "code" else []
    return lines if len(lines) == len(cell.lines) else []


ROUTES = (notebook, answer)
