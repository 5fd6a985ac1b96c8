"""Takes out of a solution what is marked as solution, which leaves the handout.

Marks of other tools are read: regions of nbgrader (``### BEGIN SOLUTION``), Otter (``# SOLUTION`` behind a
line, ``# BEGIN SOLUTION``), CS231n (``START OF YOUR CODE``) and Coursera (``START CODE HERE``), cells with
the tag ``solution``, and cells that begin with ``# SOLUTION`` or ``**SOLUTION**``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.errors import UsageError

__all__ = ["Blank", "blank_of", "slug", "without_marks"]

_BEGIN = re.compile(r"^\s*(#+|<!--)\s*BEGIN\s+SOLUTION\b", re.IGNORECASE)
_END = re.compile(r"^\s*(#+|<!--)\s*END\s+SOLUTION\b", re.IGNORECASE)
# These say to students where to write, so that they stay.
_KEPT_BEGIN = re.compile(r"^\s*#[\s#*]*START (OF YOUR CODE|CODE HERE)\b", re.IGNORECASE)
_KEPT_END = re.compile(r"^\s*#[\s#*]*END (OF YOUR CODE|CODE HERE)\b", re.IGNORECASE)
_LINE = re.compile(r"^(?P<code>.*\S)\s*#\s*SOLUTION\s*$")
_NO_PROMPT = re.compile(r"#\s*SOLUTION NO PROMPT\s*$")
_WHOLE_CELL = re.compile(r"^\s*(#+\s*SOLUTION|\*\*SOLUTION:?\*\*:?|<!--\s*SOLUTION\s*-->)\s*$", re.IGNORECASE)
_ASSIGNED = re.compile(r"^(?P<left>\s*[\w.,\s\[\]()'\"]+?)\s*=(?!=)\s*\S")

_HERE = "# YOUR CODE HERE"
_ANSWER = "*Your answer here.*"
_MOST_IN_AN_ID = 60


@dataclass(frozen=True)
class Blank:
    """A handout.

    Attributes:
        notebook: As JSON, nbformat 4.5, without outputs; every cell has an id that is Colab's as well.
        solved: Places of the cells that held solution, over all cells.
    """

    notebook: dict[str, Any]
    solved: tuple[int, ...]


def blank_of(solution: Mapping[str, Any], *, name: str) -> Blank:
    """The handout of a solution.

    Args:
        solution: An ``.ipynb`` as parsed JSON, nbformat 4.
        name: What to call it in messages.

    Raises:
        UsageError: Nothing in it is marked, or a region has no end; says where.
    """
    notebook = copy.deepcopy(dict(solution))
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise UsageError("this is no notebook", where=name, expected="an .ipynb file of nbformat 4")
    solved = []
    for place, cell in enumerate(cells):
        source = _text(cell)
        given = _given(cell, source, f"{name}, cell {place}")
        if given != source:
            solved.append(place)
        cell["source"] = given
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
    if not solved:
        raise UsageError(
            "nothing is marked as solution",
            where=name,
            expected="lines between `### BEGIN SOLUTION` and `### END SOLUTION`, or a cell's tag `solution`",
        )
    _name_cells(cells)
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return Blank(notebook, tuple(solved))


def slug(text: str) -> str:
    """A text as an id: lower-case words with dashes between them; empty where it has none."""
    words = re.findall(r"[a-z0-9]+", text.casefold())
    return "-".join(words)[:_MOST_IN_AN_ID].strip("-")


def without_marks(source: str) -> str:
    """A solved text without the lines that mark it."""
    marks = (_BEGIN, _END, _WHOLE_CELL)
    return "\n".join(line for line in source.splitlines() if not any(mark.match(line) for mark in marks))


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _given(cell: Mapping[str, Any], source: str, where: str) -> str:
    """What students are given of a cell."""
    code = cell.get("cell_type") == "code"
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    metadata = cell.get("metadata") or {}
    if "solution" in (metadata.get("tags") or ()) or _WHOLE_CELL.match(first):
        return _HERE if code else _ANSWER
    kept = list(_without_regions(lines, code, where))
    return "\n".join(_without_lines(kept)) if code else "\n".join(kept)


def _without_regions(lines: Sequence[str], code: bool, where: str) -> Iterator[str]:
    began: int | None = None
    stays = False
    for number, line in enumerate(lines, start=1):
        begins, ends = (
            _BEGIN.match(line) or _KEPT_BEGIN.match(line),
            _END.match(line) or _KEPT_END.match(line),
        )
        if begins and began is not None:
            raise UsageError("a solution begins within another", where=f"{where}, line {number}")
        if ends and began is None:
            raise UsageError("a solution ends that did not begin", where=f"{where}, line {number}")
        if begins:
            began, stays = number, _KEPT_BEGIN.match(line) is not None
            yield from [line] * stays
            yield from _placeholder(line, lines[number:], code)
        elif ends:
            began = None
            yield from [line] * stays
        elif began is None:
            yield line
    if began is not None:
        raise UsageError(
            "a solution does not end", where=f"{where}, line {began}", expected="`### END SOLUTION` below it"
        )


def _placeholder(begin: str, rest: Sequence[str], code: bool) -> Iterator[str]:
    """What stands in place of a region, indented as it was."""
    if not code:
        yield _ANSWER
        return
    body = next((line for line in rest if line.strip()), begin)
    indent = body[: len(body) - len(body.lstrip())]
    yield f"{indent}{_HERE}"
    if indent:
        # A function or loop needs a statement, and a solution that was forgotten should say so.
        yield f"{indent}raise NotImplementedError"


def _without_lines(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if _NO_PROMPT.search(line):
            continue
        found = _LINE.match(line)
        if found is None:
            yield line
            continue
        assigned = _ASSIGNED.match(found["code"])
        indent = line[: len(line) - len(line.lstrip())]
        yield f"{assigned['left']} = ..." if assigned else f"{indent}..."


def _name_cells(cells: Sequence[dict[str, Any]]) -> None:
    """Gives each cell an id that students' copies keep: Colab's own, or one after the heading above it."""
    taken: set[str] = set()
    part, place = "begin", 0
    for cell in cells:
        headings = [line.lstrip("#").strip() for line in _text(cell).splitlines() if line.startswith("#")]
        metadata = cell.setdefault("metadata", {})
        if cell.get("cell_type") == "markdown" and headings and slug(headings[0]):
            part, place = slug(headings[0]), 0
            wanted = part
        else:
            place += 1
            wanted = f"{part}-{place}"
        given = metadata.get("id") or _unused(wanted, taken)
        taken.add(given)
        metadata["id"] = given
        cell["id"] = given if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", given) else _unused(wanted, taken)


def _unused(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
