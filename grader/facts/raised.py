"""Cells that raised an error in our run, and whose errors they are."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass

from grader.evidence.record import CellRecord, Evidence, RaisedError, ShimKind

__all__ = ["Raised", "holds_text_alone", "lacking_package", "lacks_packages", "raised_in"]

_UNREADABLE = ("SyntaxError", "IndentationError", "TabError")
#: Type statements and parameters (3.12), ``except`` without parentheses (3.14).
_NEWER = re.compile(
    r"\s*(?:type\s+\w+\s*(?:\[.*\])?\s*=(?!=)|(?:async\s+)?def\s+\w+\s*\[|class\s+\w+\s*\["
    r"|except\s+[\w.]+\s*,\s*[\w.]+(?:\s*,\s*[\w.]+)*\s*:)"
)
_NO_PACKAGE = ("ModuleNotFoundError", "MissingPackage")
#: From an opening quote to the end of its line, where the apostrophe of "don't" opens nothing; and a comment
#: behind code.
_NO_CODE = re.compile(r"(?<![A-Za-z])[rbfu]?[\"'].*|(?<=[=(])[^#]*#.*")
_WORDS = re.compile(r"\b[A-Za-z]{2,}(?:'[a-z]+)?,?(?: [A-Za-z]{2,}(?:'[a-z]+)?,?)+")
_PHRASE = 4
#: What is read of a cell, which may be anything.
_LINES_READ, _LINE_CHARACTERS = 200, 400
_KEYWORDS = frozenset(keyword.kwlist)


@dataclass(frozen=True)
class Raised:
    """Cells that raised, in order.

    Attributes:
        own: Code of the student's.
        prose: Text that a student wrote into a code cell.
        given: As the handout gave them.
        lacking: For want of a package that the sandbox does not have.
        newer: In the syntax of a Python newer than the sandbox's.
        shortened: The training budget ended a pass there, which may be all that made them raise.
    """

    own: tuple[CellRecord, ...] = ()
    prose: tuple[CellRecord, ...] = ()
    given: tuple[CellRecord, ...] = ()
    lacking: tuple[CellRecord, ...] = ()
    newer: tuple[CellRecord, ...] = ()
    shortened: tuple[CellRecord, ...] = ()


def lacking_package(error: RaisedError | None) -> str:
    """What a call could not have in our run, as a clause; empty where it raised for another reason."""
    if error is None or error.type not in _NO_PACKAGE:
        return ""
    named = re.search(r"[`']([\w.]+)[`']", error.message)
    return f"`{named[1]}`, which it uses, is not here" if named else "a package that it uses is not here"


def lacks_packages(cell: CellRecord, evidence: Evidence) -> bool:
    """Whether something that a cell imports or uses was not in the sandbox."""
    return cell.index in _where(evidence, ShimKind.MISSING_PACKAGE)


def raised_in(evidence: Evidence, unchanged: Collection[int] = ()) -> Raised:
    """Sorts the cells that raised.

    Args:
        evidence: Of one notebook.
        unchanged: Cells that are as the handout gave them.
    """
    broken = [cell for cell in evidence.cells if cell.run is not None and cell.run.error is not None]
    lacking = _where(evidence, ShimKind.MISSING_PACKAGE)
    shortened = _where(evidence, ShimKind.TRAINING_BUDGET) - set(evidence.whole_in_cells)
    groups: dict[str, list[CellRecord]] = {}
    for cell in broken:
        groups.setdefault(_whose(cell, unchanged, lacking, shortened), []).append(cell)
    return Raised(**{group: tuple(cells) for group, cells in groups.items()})


def _whose(
    cell: CellRecord, unchanged: Collection[int], lacking: Collection[int], shortened: Collection[int]
) -> str:
    if cell.index in unchanged:
        return "given"
    if cell.index in lacking and _error_type(cell) in _NO_PACKAGE:
        return "lacking"
    if _is_newer(cell):
        return "newer"
    if cell.index in shortened:
        return "shortened"
    return "prose" if _is_prose(cell) else "own"


def _where(evidence: Evidence, kind: ShimKind) -> set[int]:
    return {use.cell for use in evidence.shims if use.kind is kind and use.cell is not None}


def _error_type(cell: CellRecord) -> str | None:
    return cell.run.error.type if cell.run is not None and cell.run.error is not None else None


def _is_newer(cell: CellRecord) -> bool:
    """Whether the line that Python could not read is in a syntax of later than Python 3.11."""
    error = cell.run.error if cell.run is not None else None
    if error is None or error.type not in _UNREADABLE:
        return False
    lines = cell.source.splitlines()[:_LINES_READ]
    if error.line is not None:
        lines = lines[error.line - 1 : error.line]
    return any(_NEWER.match(line[:_LINE_CHARACTERS]) for line in lines)


def _is_prose(cell: CellRecord) -> bool:
    """Whether a cell that Python cannot read holds words side by side, as no code has them."""
    if _error_type(cell) not in _UNREADABLE:
        return False
    lines = [line.strip()[:_LINE_CHARACTERS] for line in cell.source.splitlines()[:_LINES_READ]]
    pairs = [_word_pairs(line) for line in lines if line and not line.startswith("#")]
    spoken = sum(count > 0 for count in pairs)
    return sum(pairs) >= _PHRASE and 2 * spoken >= len(pairs)


def holds_text_alone(cell: CellRecord) -> bool:
    """Whether a cell raised as it holds a student's words and no line of code: it would have done nothing."""
    lines = (line.strip() for line in cell.source.splitlines()[:_LINES_READ])
    return _is_prose(cell) and not any(map(_does_something, lines))


def _does_something(line: str) -> bool:
    try:
        tree = ast.parse(line[:_LINE_CHARACTERS])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        isinstance(node, ast.Call | ast.Assign | ast.AugAssign | ast.Import) for node in ast.walk(tree)
    )


def _word_pairs(line: str) -> int:
    """How many words follow another one with nothing but a space between, strings and keywords left out."""
    return sum(
        one not in _KEYWORDS and two not in _KEYWORDS
        for run in _WORDS.findall(_NO_CODE.sub("", line))
        for one, two in zip(run.split(), run.split()[1:], strict=False)
    )
