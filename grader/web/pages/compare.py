"""Two submissions side by side; their code and answers in frames of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from markupsafe import Markup, escape

from grader.reporting.code import highlighted
from grader.reporting.markdown import message
from grader.reporting.text import clean
from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import page, untrusted_page
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.compare import CodeBeside, CodeLine, compare_code, compare_two
from grader.workflows.desk.student import one_student

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/compare", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def compare(
    request: AnyRequest,
    assignment: FromPath[str],
    left: FromQuery[str] = "",
    right: FromQuery[str] = "",
    criterion: FromQuery[str] = "",
) -> Response[str]:
    """Both works criterion by criterion, and both answers to one. Without a second student, asks for one."""
    who = asking(request)
    if not right.strip():
        first = one_student(who.store, assignment, who.named(left.strip()), anonymous=who.blind)
        return page(request, "compare_with.html.j2", assignment=assignment, left=first.shown)
    names = (who.named(left.strip()), who.named(right.strip()))
    two = compare_two(who.store, assignment, *names, anonymous=who.blind)
    chosen = next((pair for pair in two.criteria if pair.id == criterion), None)
    return page(request, "compare.html.j2", assignment=assignment, two=two, chosen=chosen)


@get("/untrusted/a/{assignment:str}/compare", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def code(
    request: AnyRequest, assignment: FromPath[str], left: FromQuery[str] = "", right: FromQuery[str] = ""
) -> Response[str]:
    """The code of both, line by line."""
    who = asking(request)
    beside = compare_code(who.store, assignment, who.named(left), who.named(right), anonymous=who.blind)
    return untrusted_page("compare_code.html.j2", beside=beside, rows=_rows(beside))


#: What a row's colour says, for whoever does not see it.
_IN_WORDS = {"renamed": "equal but for names", "differs": "differs"}


def _rows(beside: CodeBeside) -> Markup:
    """All rows, drawn without a template: there are hundreds, each of a few words."""
    left = _drawn(beside.left, [row.left for row in beside.rows])
    right = _drawn(beside.right, [row.right for row in beside.rows])
    drawn = []
    for row, one, other in zip(beside.rows, left, right, strict=True):
        said = f'<span class="hidden">{_IN_WORDS[row.kind]}:</span>' if row.kind in _IN_WORDS else ""
        drawn.append(f'<div class="pair-row {row.kind}">{said}{one}{other}</div>')
    return Markup("\n".join(drawn))  # noqa: S704 - each piece is escaped, or a kind of ours


def _drawn(who: str, lines: Sequence[CodeLine | None]) -> Iterator[str]:
    """One side of each row."""
    coloured = _coloured([line for line in lines if line is not None])
    whose = escape(clean(who))
    for line in lines:
        if line is None:
            yield '<div class="side none"></div>'
            continue
        name = (
            f'<p class="label"><span class="whose">{whose}, </span>{message(line.name)}</p>'
            if line.name
            else ""
        )
        given = " given" if line.given else ""
        code = next(coloured)
        yield (
            f'<div class="side">{name}<span class="row{given}"><span class="no">{line.number}</span>'
            f"<code>{code}</code></span></div>"
        )


def _coloured(lines: Sequence[CodeLine]) -> Iterator[str]:
    """Each line in colours, as they stand in their cell; by itself where a cell's lines do not fit those."""
    for _, cell in groupby(lines, key=lambda line: line.cell):
        texts = [line.text for line in cell]
        found = highlighted("\n".join(texts))
        yield from found if len(found) == len(texts) else ("".join(highlighted(text)) for text in texts)


ROUTES = (compare, code)
