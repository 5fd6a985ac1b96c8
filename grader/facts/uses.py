"""Which functions a student's code makes use of, itself or through functions of the notebook."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import CalledName, Functions, Written, called_names, unclear_call
from grader.facts.code.source import ParsedCell, nodes_of, parsed_cells
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown

__all__ = ["CallSeen", "calls_in", "may_use", "ran_whole", "was_reached"]


@dataclass(frozen=True)
class CallSeen:
    """A call in a cell, and its place."""

    called: CalledName
    where: Where


def calls_in(
    case: Case, cells: Iterable[CellRecord], wanted: Callable[[CalledName], bool]
) -> Iterator[Known[CallSeen]]:
    """Calls in these cells that are wanted."""
    for parsed in parsed_cells(tuple(cells)):
        imports = case.facts.functions.imports_seen_from(parsed.index)
        for called in called_names(parsed.tree, imports) if parsed.tree is not None else ():
            if wanted(called):
                yield Known(CallSeen(called, Where(cell=parsed.index, line=parsed.line_of(called.node))))


def was_reached(case: Case, written: Written) -> Fact[Written]:
    """A function whose cell our run came to, so that Python took notice of it."""
    cell = case.evidence.cells[written.cell.index]
    if cell.run is None or cell.run.status not in ("ok", "error"):
        return Unknown(f"cell {cell.index} did not run to its end")
    return Known(written)


def ran_whole(cells: tuple[CellRecord, ...]) -> Fact[tuple[ParsedCell, ...]]:
    """Code of which all ran and says what it calls, so that what does not stand there was not done."""
    read = tuple(parsed_cells(cells))
    for cell, parsed in zip((cell for cell in cells if cell.kind == "code"), read, strict=True):
        if parsed.tree is None:
            return Unknown(f"cell {cell.index} cannot be read as Python")
        if cell.run is None or cell.run.status != "ok":
            failed = cell.run is not None and cell.run.error is not None
            return Unknown(f"cell {cell.index} {'raised' if failed else 'did not run to its end'}")
        unclear = unclear_call(parsed.tree)
        if unclear:
            return Unknown(f"`{unclear}` in cell {cell.index} may call anything")
    return Known(read) if read else Unknown("there is no code")


def may_use(case: Case, cells: Iterable[CellRecord], names: Collection[str]) -> bool:
    """Whether one of `names` is called or handed on; true also where a cell does not parse.

    Names are the last part of dotted ones, or ``@`` for the operator; aliases of imports are resolved.
    """
    functions = case.facts.functions
    return any(_uses(functions, parsed, names) for parsed in parsed_cells(tuple(cells)))


def _uses(functions: Functions, cell: ParsedCell, names: Collection[str]) -> bool:
    if cell.tree is None:
        return True
    imports = functions.imports_seen_from(cell.index)
    reached = [cell.tree, *_reached(functions, cell.tree)]
    found = {name for tree in reached for node in nodes_of(tree) for name in _names(node)}
    return any(name in names or imports.get(name, "").rpartition(".")[2] in names for name in found)


def _reached(functions: Functions, tree: ast.AST) -> Iterator[ast.AST]:
    names = {node.id for node in nodes_of(tree) if isinstance(node, ast.Name)} & functions.by_name.keys()
    for name in names:
        yield from (one.node for one in functions.reached_from(functions.by_name[name]))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
        yield "@"
