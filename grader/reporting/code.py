"""The student's own code with the lines in question marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from markupsafe import Markup, escape
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from grader.evidence.record import CellRecord
from grader.facts.fields import Where
from grader.reporting.cells import first_words, heading_above
from grader.reporting.markdown import markdown
from grader.reporting.text import clean, shortened

__all__ = ["CODE_CLASSES", "Excerpt", "Line", "excerpts", "highlighted"]

_CONTEXT_LINES = 3
_WHOLE_CELL_LINES = 24
_LINE_CHARACTERS = 400
_CELL_CHARACTERS = 60_000
_PROSE_CHARACTERS = 6_000
_NO_PROSE = Markup("")
_KINDS = {
    "p-k": (Keyword, Operator.Word),
    "p-s": (String,),
    "p-c": (Comment,),
    "p-n": (Number,),
    "p-f": (Name.Function, Name.Class, Name.Decorator),
}

#: Classes of spans in highlighted code.
CODE_CLASSES = frozenset(_KINDS)


@dataclass(frozen=True)
class Line:
    """One line of an excerpt; `number` 0 stands for lines left out."""

    number: int
    html: Markup
    marked: bool = False


@dataclass(frozen=True)
class Excerpt:
    """Part of a cell.

    Attributes:
        cell: From 0 over all cells.
        words: Its first words; empty for an empty cell.
        under: The heading that the cell stands under, empty where there is none.
        prose: In place of lines where a text cell is meant as a whole.
        text: Of the same cell, as it was written.
    """

    cell: int
    words: str
    under: str
    lines: tuple[Line, ...] = ()
    prose: Markup = _NO_PROSE
    text: str = ""


def excerpts(cells: Sequence[CellRecord], where: Iterable[Where]) -> tuple[Excerpt, ...]:
    """One excerpt for each cell named, in the order of first mention; places not in the file are left out."""
    marked: dict[int, set[int]] = {}
    for place in where:
        if 0 <= place.cell < len(cells):
            marked.setdefault(place.cell, set()).update([place.line] if place.line else [])
    return tuple(_excerpt(cells, cell, lines) for cell, lines in marked.items())


def _excerpt(cells: Sequence[CellRecord], cell: int, marked: set[int]) -> Excerpt:
    record = cells[cell]
    if record.kind == "markdown" and not marked:
        text = shortened(record.source, _PROSE_CHARACTERS)
        heading = heading_above(cells, cell)
        return Excerpt(cell, first_words(record), heading, prose=markdown(text), text=text)
    lines = highlighted(record.source) if record.kind == "code" else _escaped(record.source)
    shown = _shown(len(lines), marked)
    picked: list[Line] = []
    last = 0
    for number in shown:
        if number > last + 1:
            picked.append(Line(0, Markup("")))
        picked.append(Line(number, lines[number - 1], number in marked))
        last = number
    if last < len(lines):
        picked.append(Line(0, Markup("")))
    return Excerpt(cell, first_words(record), heading_above(cells, cell), tuple(picked))


def _shown(length: int, marked: set[int]) -> list[int]:
    """Numbers of the lines to show: all of a short cell, else those around the marks."""
    if length <= _WHOLE_CELL_LINES:
        return list(range(1, length + 1))
    if not marked:
        return list(range(1, _WHOLE_CELL_LINES + 1))
    near = {number for line in marked for number in range(line - _CONTEXT_LINES, line + _CONTEXT_LINES + 1)}
    return sorted(number for number in near if 1 <= number <= length)


def _source_lines(source: str) -> list[str]:
    text = clean(source.replace("\r\n", "\n").replace("\r", "\n"))[:_CELL_CHARACTERS]
    lines = text.rstrip("\n").split("\n")
    return [line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]} …" for line in lines]


def _escaped(source: str) -> list[Markup]:
    return [Markup.escape(line) for line in _source_lines(source)]


@lru_cache(maxsize=1)
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False, ensurenl=False)


@lru_cache(maxsize=256)
def highlighted(source: str) -> list[Markup]:
    """Each line of the source as escaped HTML, its spans closed at line ends."""
    lines: list[list[str]] = [[]]
    for kind, text in _lexer().get_tokens("\n".join(_source_lines(source))):
        for turn, piece in enumerate(text.split("\n")):
            if turn:
                lines.append([])
            if piece:
                lines[-1].append(_coloured(_class_of(kind), escape(piece)))
    return [Markup("".join(line)) for line in lines]  # noqa: S704 - every piece is escaped


def _coloured(name: str, html: str) -> str:
    return f'<span class="{name}">{html}</span>' if name else html


@cache
def _class_of(kind: _TokenType) -> str:
    """One of CODE_CLASSES; empty for what has no colour, which is most of a program."""
    return next((name for name, kinds in _KINDS.items() if any(kind in each for each in kinds)), "")
