"""Whether a student's code makes use of certain functions, itself or through functions of the notebook."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import Functions
from grader.facts.code.source import ParsedCell, parsed_cells

__all__ = ["may_use"]


def may_use(case: Case, cells: Iterable[CellRecord], names: Collection[str]) -> bool:
    """Whether one of `names` is called or handed on; true also where a cell does not parse.

    Names are the last part of dotted ones, or ``@`` for the operator; aliases of imports are resolved.
    """
    functions = Functions(case.evidence.cells)
    return any(_uses(functions, parsed, names) for parsed in parsed_cells(tuple(cells)))


def _uses(functions: Functions, cell: ParsedCell, names: Collection[str]) -> bool:
    if cell.tree is None:
        return True
    imports = functions.imports_seen_from(cell.index)
    reached = [cell.tree, *_reached(functions, cell.tree)]
    found = {name for tree in reached for node in ast.walk(tree) for name in _names(node)}
    return any(name in names or imports.get(name, "").rpartition(".")[2] in names for name in found)


def _reached(functions: Functions, tree: ast.AST) -> Iterator[ast.AST]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & functions.by_name.keys()
    for name in names:
        yield from (one.node for one in functions.reached_from(functions.by_name[name]))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
        yield "@"
