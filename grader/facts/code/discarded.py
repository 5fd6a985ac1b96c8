"""Calls whose result is thrown away: a line that is ``np.clip(x, 0, 1)`` and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of, parsed_cells
from grader.facts.fields import Where

__all__ = ["Discarded", "discarded_calls"]


@dataclass(frozen=True)
class Discarded:
    """One such call; `name` is the function's, without what stands before its dot."""

    name: str
    where: Where


def discarded_calls(cells: Iterable[CellRecord], names: Collection[str]) -> Iterator[Discarded]:
    """Calls of these functions that stand alone in a line and write into no ``out`` either."""
    for parsed in parsed_cells(tuple(cells)):
        for node in nodes_of(parsed.tree) if parsed.tree is not None else ():
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and last_name(call.func) in names and not _writes(call):
                yield Discarded(last_name(call.func), Where(cell=parsed.index, line=parsed.line_of(node)))


def _writes(call: ast.Call) -> bool:
    """Whether there may be an ``out``: as a keyword, among keywords unpacked, or by its place."""
    return len(call.args) > 3 or any(keyword.arg in (None, "out") for keyword in call.keywords)
