"""Cells as their author sees them: by first words and heading; the number in the file comes last.

Jupyter and Colab show no numbers of cells. Those of the file, from 0, are for people who read the file itself
and for the notebook at the end of a report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.evidence.record import CellText
from grader.reporting.text import clean, listed, shortened

__all__ = ["cell_name", "cells_by_name", "first_words", "heading_above", "without_cells"]

_WORDS = 40
_NAMED_TOGETHER = 4
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_CELLS = re.compile(
    r"\b(?P<one>[Cc]ell) (?P<number>\d+)\b|\b(?P<many>[Cc]ells) (?P<numbers>\d+(?:, \d+)*(?:,? and \d+)?)\b"
)
_NUMBERS = r"cells? \d+(?:, \d+)*(?:,? and \d+)?\b(?:, line \d+)?"
_LINE = re.compile(r"\bline \d+ of (?=(?:what )?cells? \d)")
#: Where something stands, as a phrase that can go; and what is left then.
_PHRASE = re.compile(rf",? (?:in|of) {_NUMBERS}|,? \({_NUMBERS}\)|, {_NUMBERS}(?=\))")
_PLACE = re.compile(rf"\b(?P<word>[Cc]){_NUMBERS[1:]}")


def first_words(cell: CellText) -> str:
    """The first line that says something, cut to a few words; empty for an empty cell."""
    lines = (line.strip() for line in clean(cell.source).splitlines())
    first = next((line for line in lines if line), "")
    if cell.kind == "markdown":
        first = first.lstrip("#> ").strip("*_ ")
    first = " ".join(first.replace("`", "'").split())
    if len(first) <= _WORDS:
        return first
    whole, _, _ = first[: _WORDS + 1].rpartition(" ")
    return f"{whole if len(whole) >= _WORDS // 2 else first[:_WORDS]} …"


def heading_above(cells: Sequence[CellText], cell: int) -> str:
    """Text of the nearest Markdown heading at or above a cell."""
    for record in reversed(cells[: cell + 1]):
        if record.kind == "markdown":
            headings = [line for line in record.source.splitlines() if line.lstrip().startswith("#")]
            if headings:
                return shortened(clean(headings[-1].strip().lstrip("#").strip().strip("*_")), 120)
    return ""


def cell_name(cells: Sequence[CellText], index: int, *, heading: bool = True, word: str = "cell") -> str:
    """One cell, such as ``cell `net = Net()` under “Part 2”, no. 12``, its code as a code span.

    Args:
        cells: All of the file.
        index: From 0.
        heading: Whether to tell the heading that it stands under.
        word: What it begins with.
    """
    if not 0 <= index < len(cells):
        return f"{word} {index}"
    cell = cells[index]
    words = first_words(cell)
    quoted = (f"`{words}`" if cell.kind == "code" else f"“{words}”") if words else ""
    above = heading_above(cells, index).replace("`", "'") if heading else ""
    under = f"under “{above}”" if above and above != words else ""
    named = " ".join(part for part in (word, quoted, under) if part)
    return f"{named}, no. {index}" if quoted or under else f"{word} no. {index}"


def cells_by_name(text: str, cells: Sequence[CellText], *, together: int = _NAMED_TOGETHER) -> str:
    """A message with its cells by name; code spans stay as they are, a heading is told once for each cell.

    Args:
        text: With cells as checks write them: ``cell 3``, ``cells 3, 4 and 7``.
        cells: All of the file.
        together: Of more than these in one place only the numbers are told.
    """
    told: set[int] = set()

    def named(index: int, word: str) -> str:
        first = index not in told
        told.add(index)
        return cell_name(cells, index, heading=first, word=word)

    def replaced(found: re.Match[str]) -> str:
        if found["one"]:
            return named(int(found["number"]), found["one"])
        numbers = [int(number) for number in re.findall(r"\d+", found["numbers"])]
        if max(numbers) >= len(cells):
            return found[0]
        if len(numbers) > together:
            return f"{found['many']} no. {found['numbers']}"
        word = found["many"][:-1]
        return listed(named(number, "cell" if at else word) for at, number in enumerate(numbers))

    parts = _CODE_SPAN.split(text)
    return "".join(part if at % 2 else _CELLS.sub(replaced, part) for at, part in enumerate(parts))


def without_cells(text: str) -> str:
    """A message for people who have another notebook: its cells and lines are nobody's in particular."""
    parts = _CODE_SPAN.split(text)
    return "".join(
        part if at % 2 else _PLACE.sub(_anywhere, _PHRASE.sub("", _LINE.sub("", part)))
        for at, part in enumerate(parts)
    )


def _anywhere(found: re.Match[str]) -> str:
    what = "some cells" if "ells " in found[0] else "a cell"
    return what.capitalize() if found["word"] == "C" else what
