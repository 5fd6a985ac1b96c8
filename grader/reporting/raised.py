"""Whose cells raised errors, in a clause, by their numbers in the file (see `grader.reporting.cells`)."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.record import CellRecord
from grader.facts.raised import Raised
from grader.reporting.text import listed

__all__ = ["raised_clause"]


def raised_clause(raised: Raised) -> str:
    """All of it, as ``one cell raised an error (cell 15)``; empty where nothing raised."""
    parts = [
        _clause(raised.own, "raised an error", "raised errors"),
        _clause(raised.prose, "holds text, not code", "hold text, not code"),
        _ours_clause(raised.lacking, "a package that the service does not have was asked for"),
        _ours_clause(raised.newer, "code is written for a newer Python than the service has"),
        _ours_clause(raised.shortened, "an error came where the service had shortened a loop over data"),
        _given_clause(raised.given, alone=not raised.own and not raised.prose),
    ]
    return "; ".join(part for part in parts if part)


def _clause(cells: Sequence[CellRecord], one: str, several: str) -> str:
    if len(cells) == 1:
        return f"one cell {one} (cell {cells[0].index})"
    return f"{len(cells)} cells {several} (cells {_numbers(cells)})" if cells else ""


def _ours_clause(cells: Sequence[CellRecord], what: str) -> str:
    """What is none of the student's doing, or need not be."""
    if not cells:
        return ""
    return f"{what} (cell{'s' if len(cells) > 1 else ''} {_numbers(cells)}), which is not held against you"


def _given_clause(cells: Sequence[CellRecord], *, alone: bool) -> str:
    if not cells:
        return ""
    numbers = f"cell{'s' if len(cells) > 1 else ''} {_numbers(cells)}"
    if alone:
        return f"only given code, left as it was, raised an error ({numbers}), which costs nothing"
    return f"given code, left as it was, raised an error too ({numbers}), which costs nothing"


def _numbers(cells: Sequence[CellRecord]) -> str:
    return listed(str(cell.index) for cell in cells)
