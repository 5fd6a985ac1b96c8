"""Cells that raised an error in our run, and whose errors they are."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grader.evidence.record import CellRecord

__all__ = ["Raised", "raised_in"]

_UNREADABLE = ("SyntaxError", "IndentationError", "TabError")
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
    """

    own: tuple[CellRecord, ...] = ()
    prose: tuple[CellRecord, ...] = ()
    given: tuple[CellRecord, ...] = ()


def raised_in(cells: Sequence[CellRecord], unchanged: Collection[int] = ()) -> Raised:
    """Sorts the cells that raised.

    Args:
        cells: Of one notebook, with what happened when they ran.
        unchanged: Those that are as the handout gave them.
    """
    broken = [cell for cell in cells if cell.run is not None and cell.run.error is not None]
    changed = [cell for cell in broken if cell.index not in unchanged]
    return Raised(
        own=tuple(cell for cell in changed if not _is_prose(cell)),
        prose=tuple(cell for cell in changed if _is_prose(cell)),
        given=tuple(cell for cell in broken if cell.index in unchanged),
    )


def _is_prose(cell: CellRecord) -> bool:
    """Whether a cell that Python cannot read holds words side by side, as no code has them."""
    error = cell.run.error if cell.run is not None else None
    if error is None or error.type not in _UNREADABLE:
        return False
    lines = [line.strip()[:_LINE_CHARACTERS] for line in cell.source.splitlines()[:_LINES_READ]]
    pairs = [_word_pairs(line) for line in lines if line and not line.startswith("#")]
    spoken = sum(count > 0 for count in pairs)
    return sum(pairs) >= _PHRASE and 2 * spoken >= len(pairs)


def _word_pairs(line: str) -> int:
    """How many words follow another one with nothing but a space between, strings and keywords left out."""
    return sum(
        one not in _KEYWORDS and two not in _KEYWORDS
        for run in _WORDS.findall(_NO_CODE.sub("", line))
        for one, two in zip(run.split(), run.split()[1:], strict=False)
    )
