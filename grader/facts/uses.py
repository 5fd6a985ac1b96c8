"""Which functions a student's code makes use of, itself or through functions of the notebook."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import CalledName, Functions, Written, called_names, unclear_call
from grader.facts.code.source import ParsedCell, nodes_of, parsed_cells
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown

__all__ = ["CallSeen", "calls_in", "comparisons_in", "count_of_calls", "may_use", "ran_whole", "was_reached"]


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


def count_of_calls(case: Case, cells: Sequence[CellRecord], names: Collection[str]) -> Known[int]:
    """How often cells call one of these functions; those of the notebook's own count for what is in them."""
    functions = case.facts.functions
    inside: dict[str, int] = {}
    for name, written in functions.by_name.items():
        inside[name] = sum(called.last in names for _, called in functions.calls_of(written))
    calls = [seen.value.called for seen in calls_in(case, cells, lambda called: True)]
    written_here = [one for one in functions.all if one.cell.index in {cell.index for cell in cells}]
    of_definitions = sum(called.last in names for one in written_here for called in _calls_under(case, one))
    direct = sum(called.last in names for called in calls) - of_definitions
    return Known(direct + sum(inside.get(called.name, 0) for called in calls if called.bare))


def _calls_under(case: Case, written: Written) -> Iterator[CalledName]:
    return called_names(written.node, case.facts.functions.imports_seen_from(written.cell.index))


def comparisons_in(
    case: Case, cells: Sequence[CellRecord], operands: Collection[str]
) -> Iterator[Known[Where]]:
    """Places where all of these variables stand on the two sides of one ``==``, as they are.

    A function of the notebook that is called with them and compares two of its arguments counts as well.
    """
    functions = case.facts.functions
    comparing = {
        name for name, one in functions.by_name.items() if any(map(_compares_names, nodes_of(one.node)))
    }
    for parsed in parsed_cells(tuple(cells)):
        for node in nodes_of(parsed.tree) if parsed.tree is not None else ():
            match node:
                case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                    sides = [left, right]
                case ast.Call(func=ast.Name(id=name), args=sides) if name in comparing:
                    pass
                case _:
                    continue
            if {side.id for side in sides if isinstance(side, ast.Name)} == set(operands):
                yield Known(Where(cell=parsed.index, line=parsed.line_of(node)))


def _compares_names(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=ast.Name(), ops=[ast.Eq()], comparators=[ast.Name()]):
            return True
    return False


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
