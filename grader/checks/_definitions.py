"""Where a notebook gives names a meaning: by ``def``, ``class``, ``import``, or an assignment of any form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.checks._bindings import bound_in
from grader.checks._source import parse_cell
from grader.evidence.record import CellRecord
from grader.rubric.case import Case
from grader.rubric.model import Where

__all__ = ["definition"]


def definition(case: Case, names: Iterable[str], cell: int | None = None) -> tuple[Where, ...]:
    """The last place where one of `names` is defined or assigned; in `cell` where that is known."""
    cells = case.evidence.cells if cell is None else case.evidence.cells[cell : cell + 1]
    found = [place for record in cells for place in _places(record, frozenset(names))]
    return tuple(found[-1:])


def _places(cell: CellRecord, names: frozenset[str]) -> list[Where]:
    if cell.kind != "code":
        return []
    parsed = parse_cell(cell.index, cell.source)
    if parsed.tree is None:
        return _unparsed(cell, names)
    bound = (binding for binding in bound_in(parsed) if binding.name in names and binding.how != "param")
    return [Where(cell=cell.index, line=parsed.line_of(binding.node)) for binding in bound]


def _unparsed(cell: CellRecord, names: frozenset[str]) -> list[Where]:
    """Lines of a cell with a syntax error that look like a definition."""
    either = "|".join(re.escape(name) for name in names)
    defining = re.compile(
        rf"^\s*(?:(?:async\s+)?def\s+(?:{either})\b|class\s+(?:{either})\b|(?:{either})\s*=[^=])"
    )
    lines = enumerate(cell.source.splitlines(), start=1)
    return [Where(cell=cell.index, line=number) for number, line in lines if defining.match(line)]
