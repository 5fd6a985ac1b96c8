"""Python's own names that a notebook gives another meaning for all cells: what breaks earlier functions."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from grader.checks._source import parsed_cells
from grader.evidence.record import CellRecord

__all__ = ["hidden_later"]

_BUILTINS = frozenset(name for name in vars(builtins) if not name.startswith("_"))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def hidden_later(cells: tuple[CellRecord, ...], cell: int) -> tuple[str, int] | None:
    """The first builtin that a cell after `cell` binds at top level, and where.

    A function written in `cell` worked while the student ran it there, and fails when it is called after
    the last cell: that is for a TA to see, not a wrong answer.
    """
    later = tuple(record for record in cells if record.index > cell)
    for parsed in parsed_cells(later):
        for name in _top_level_names(parsed.tree) if parsed.tree is not None else ():
            if name in _BUILTINS:
                return name, parsed.index
    return None


def _top_level_names(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _SCOPES):
            continue
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        yield from _top_level_names(child)
