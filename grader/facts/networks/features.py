"""What a student's cells do with the features that a network computes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.notebook import is_own, own_code

__all__ = ["cells_calling", "steps_elsewhere", "steps_seen"]

#: These cut a tensor off as its attributes only; as names they are a module, or the images of a batch.
_DETACHING_ATTRIBUTES = frozenset({"data", "numpy"})
_DETACHES = frozenset({"detach", "detach_", "no_grad", "inference_mode", "requires_grad", "requires_grad_"})
_SAVES = frozenset({"save", "savez", "savez_compressed", "dump", "TensorDataset"})


def cells_calling(case: Case, call: str) -> list[CellRecord]:
    """The student's cells in the criterion's section that ran and call the extractor by this name."""
    return [cell for cell in own_code(case) if call in _names_used(cell) and _ran(cell)]


def steps_seen(case: Case, call: str) -> dict[str, bool]:
    """Which steps the student's cells in the criterion's section take.

    Returns:
        Whether features were ``computed``, ``detached`` from the network's weights and ``saved``; and whether
        it was of ``one_batch`` only.
    """
    own, calling = own_code(case), cells_calling(case, call)
    return {
        "computed": bool(calling),
        "detached": any(_names_used(cell) & _DETACHES or _takes_numbers(cell) for cell in own),
        "saved": _wrote_files(case, own) or any(_names_used(cell) & _SAVES for cell in own),
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


def _takes_numbers(cell: CellRecord) -> bool:
    """Whether code takes a tensor's numbers alone, as ``x.data`` or ``x.numpy()``."""
    tree = parse_cell(cell.index, cell.source).tree
    found = [node for node in nodes_of(tree) if isinstance(node, ast.Attribute)] if tree is not None else []
    return any(node.attr in _DETACHING_ATTRIBUTES and not _is_module(node.value) for node in found)


def _takes_one_batch(cell: CellRecord, call: str) -> bool:
    """Whether a cell takes batches by ``next``, and calls the extractor in no loop."""
    tree = parse_cell(cell.index, cell.source).tree
    nodes = list(nodes_of(tree)) if tree is not None else []
    looped = {id(inner) for node in nodes if isinstance(node, LOOPS) for inner in nodes_of(node)}
    return "next" in _names(nodes) and not any(
        isinstance(node, ast.Call) and id(node) in looped and call in _names(nodes_of(node.func))
        for node in nodes
    )


def _is_module(node: ast.expr) -> bool:
    return last_name(node) in ("utils", "torch")


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
    return any(file.cell in indices for file in case.evidence.files)
