"""What a student's cells do with the features that a network computes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of, parse_cell

__all__ = ["names_used", "ran", "takes_numbers", "takes_one_batch", "wrote_files"]

#: These cut a tensor off as its attributes only; as names they are a module, or the images of a batch.
_DETACHING_ATTRIBUTES = frozenset({"data", "numpy"})


def ran(cell: CellRecord) -> bool:
    return cell.run is not None and cell.run.status == "ok"


def takes_numbers(cell: CellRecord) -> bool:
    """Whether code takes a tensor's numbers alone, as ``x.data`` or ``x.numpy()``."""
    tree = parse_cell(cell.index, cell.source).tree
    found = [node for node in nodes_of(tree) if isinstance(node, ast.Attribute)] if tree is not None else []
    return any(node.attr in _DETACHING_ATTRIBUTES and not _is_module(node.value) for node in found)


def takes_one_batch(cell: CellRecord, call: str) -> bool:
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


def names_used(cell: CellRecord) -> frozenset[str]:
    """Names, attributes and keywords in a cell's code."""
    tree = parse_cell(cell.index, cell.source).tree
    return frozenset() if tree is None else frozenset(_names(nodes_of(tree)))


def _names(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)) | ast.Name(id=name):
                yield name


def wrote_files(case: Case, cells: Iterable[CellRecord]) -> bool:
    indices = {cell.index for cell in cells}
    return any(file.cell in indices for file in case.evidence.files)
