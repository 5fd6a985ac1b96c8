"""What a student's cells do with the features that a network computes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.networks.flow import Flow, given_on, is_extractor
from grader.facts.notebook import is_own, own_code

__all__ = ["cells_calling", "steps_elsewhere", "steps_seen"]

_DETACHES = frozenset(
    {"detach", "detach_", "no_grad", "inference_mode", "requires_grad", "requires_grad_", "set_grad_enabled"}
)
_SAVES = frozenset({"save", "savez", "savez_compressed", "dump", "TensorDataset"})
#: What gives a module back.
_SAME = frozenset({"eval", "train", "to", "cuda", "cpu", "float", "double", "half", "requires_grad_"})
_PICTURES = re.compile(r"\.(png|jpe?g|gif|svg|pdf)$", re.IGNORECASE)


def cells_calling(case: Case, call: str) -> list[CellRecord]:
    """The student's cells in the criterion's section that ran and send something through the extractor.

    One that only defines a function or a class for it counts where its name stands elsewhere in the notebook.
    """
    return [cell for cell in own_code(case) if _ran(cell) and _calls(cell, call, case)]


def steps_seen(case: Case, call: str) -> dict[str, bool]:
    """Which steps the student's cells in the criterion's section take.

    Returns:
        Whether features were ``computed``, ``detached`` from the network's weights and ``saved``; and whether
        it was of ``one_batch`` only.
    """
    own, calling = own_code(case), cells_calling(case, call)
    nodes = [node for cell in own for node in _nodes(cell)]
    flow = Flow.of(nodes, lambda node: is_extractor(node, call))
    saving = [node for node in nodes if _is_call_of(node, _SAVES)]
    kept = any(flow.is_given(node) or not calling for node in saving)
    return {
        "computed": bool(calling),
        "detached": any(_names_used(cell) & _DETACHES for cell in own) or flow.takes_numbers(nodes),
        "saved": kept or (not saving and _wrote_files(case, own)),
        "one_batch": bool(calling) and all(_takes_one_batch(cell, call) for cell in calling),
    }


def steps_elsewhere(
    case: Case, call: str, seen: Mapping[str, bool], sections: Sequence[str]
) -> tuple[int, ...]:
    """Cells of other sections that may do what was not seen in the criterion's own."""
    here = {cell.index for cell in case.section_cells()}
    cells = {cell.index: cell for name in sections for cell in case.section_cells(name)}
    wanted = {"computed": {call}, "detached": _DETACHES, "saved": {"TensorDataset"}}
    names = frozenset[str]().union(*(those for step, those in wanted.items() if not seen[step]))
    return tuple(
        index
        for index, cell in cells.items()
        if index not in here and cell.kind == "code" and is_own(cell, case) and _names_used(cell) & names
    )


def _ran(cell: CellRecord) -> bool:
    return cell.run is not None and cell.run.status == "ok"


def _calls(cell: CellRecord, call: str, case: Case) -> bool:
    """Whether a cell's code calls the extractor, or gives it a name or to a function, where that may run."""
    tree = parse_cell(cell.index, cell.source).tree
    for part in tree.body if tree is not None else ():
        inside = list(nodes_of(part))
        given = (given_on(node) for node in inside)
        if not any(is_extractor(_bare(each), call) for values in given for each in values):
            continue
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return True
        if _stands_elsewhere(part, case):
            return True
    return False


def _stands_elsewhere(defined: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, case: Case) -> bool:
    """Whether the name of a function or class stands in the notebook's code outside of it."""
    within = {id(node) for node in nodes_of(defined)}
    everywhere = (node for cell in case.evidence.cells if cell.kind == "code" for node in _nodes(cell))
    return any(defined.name in _names([node]) for node in everywhere if id(node) not in within)


def _bare(node: ast.AST) -> ast.AST:
    """An extractor without what leaves it one: ``features`` of ``features[:13]`` and ``features.eval()``."""
    while True:
        match node:
            case ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _SAME:
                node = inner
            case _:
                return node


def _takes_one_batch(cell: CellRecord, call: str) -> bool:
    """Whether a cell takes batches by ``next``, and calls the extractor in no loop."""
    tree = parse_cell(cell.index, cell.source).tree
    nodes = list(nodes_of(tree)) if tree is not None else []
    looped = {id(inner) for node in nodes if isinstance(node, LOOPS) for inner in nodes_of(node)}
    return "next" in _names(nodes) and not any(
        isinstance(node, ast.Call) and id(node) in looped and call in _names(nodes_of(node.func))
        for node in nodes
    )


def _is_call_of(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in names


def _nodes(cell: CellRecord) -> list[ast.AST]:
    tree = parse_cell(cell.index, cell.source).tree
    return [] if tree is None else list(nodes_of(tree))


def _names_used(cell: CellRecord) -> frozenset[str]:
    """Names, attributes and keywords in a cell's code."""
    tree = parse_cell(cell.index, cell.source).tree
    return frozenset() if tree is None else frozenset(_names(nodes_of(tree)))


def _names(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)) | ast.Name(id=name):
                yield name


def _wrote_files(case: Case, cells: Iterable[CellRecord]) -> bool:
    indices = {cell.index for cell in cells}
    return any(file.cell in indices and not _PICTURES.search(file.path) for file in case.evidence.files)
