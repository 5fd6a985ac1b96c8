"""The code that a training reaches: its cells, what they call, and signs of what the record may lack."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Iterator

from grader.facts.case import Case
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.once import once

__all__ = [
    "assigned_behind",
    "calls_in",
    "edits_rates",
    "names_in",
    "reached_code",
    "starts_elsewhere",
    "takes_gradients",
]

_NAMES = "_grader_names"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: What gives gradients, by the last part of its name (torch, torch.autograd, torch.func).
_GRADIENTS = frozenset(
    {"backward", "fit", "grad", "grad_and_value", "jacrev", "jvp", "minimize", "value_and_grad", "vjp"}
)
_NAMED_GRADIENT = re.compile(r"(?i)(^|_)grad(ient)?s?(_|\d|$)|^d_?[wb]\d*$")
#: Schedules of torch whose first rate is another than the one that was set.
_START_ELSEWHERE = re.compile(
    r"(?i)^(OneCycleLR|CyclicLR|LambdaLR|LinearLR|ConstantLR|SequentialLR|ChainedScheduler)$|warm_?up"
)


def reached_code(case: Case, cells: Iterable[int]) -> tuple[ast.AST, ...]:
    """What these cells do when they run, and the notebook's own functions and classes that this uses.

    A function that is written and never used is not among them.
    """
    return _reached_code(case, tuple(cells))


@once
def _reached_code(case: Case, cells: tuple[int, ...]) -> tuple[ast.AST, ...]:
    statements = [each for cell in cells for each in _statements(case, cell)]
    functions = case.facts.functions
    found: list[ast.AST] = list(statements)
    for name in sorted({name for each in statements for name in names_in(each)} & set(functions.by_name)):
        reached = functions.reached_from(functions.by_name[name])
        found += [written.node for written in reached if written.node not in found]
    return tuple(found)


def assigned_behind(case: Case, nodes: Iterable[ast.AST]) -> list[ast.Assign]:
    """Assignments at the top of cells to names that some code reads, and to those that these read."""
    waiting = _assignments(case)
    wanted = {name for node in nodes for name in names_in(node)}
    found: list[ast.Assign] = []
    while new := [each for each, targets in waiting if wanted & targets]:
        found += new
        waiting = [(each, targets) for each, targets in waiting if not wanted & targets]
        wanted |= {name for each in new for name in names_in(each.value)}
    return found


@once
def _assignments(case: Case) -> list[tuple[ast.Assign, set[str]]]:
    """Assignments at the top of cells, and the names that they give a value."""
    statements = (each for cell in case.evidence.cells for each in _statements(case, cell.index))
    return [(each, _targets(each)) for each in statements if isinstance(each, ast.Assign)]


def takes_gradients(case: Case, nodes: Iterable[ast.AST]) -> bool:
    """Whether code computes gradients, by itself too, or calls something imported that by its name trains."""
    imported = case.facts.functions.imports_seen_from(len(case.evidence.cells))
    return any(
        _is_named_gradient(inner) or (isinstance(inner, ast.Call) and _trains(inner, imported))
        for node in nodes
        for inner in nodes_of(node)
    )


def starts_elsewhere(nodes: Iterable[ast.AST]) -> str:
    """What in some code makes the rate of a first step another than one that was set; empty for nothing."""
    for node in (inner for each in nodes for inner in nodes_of(each)):
        match node:
            case ast.Constant(value="params") | ast.Attribute(attr="add_param_group"):
                return "there are several groups of parameters"
            case ast.Name(id=name) | ast.Attribute(attr=name) if _START_ELSEWHERE.search(name):
                return f"`{name}` sets the first one"
    return ""


def edits_rates(nodes: Iterable[ast.AST]) -> str:
    """Whether code sets an optimizer's rate by hand, in words; empty where it does not."""
    for node in (inner for each in nodes for inner in nodes_of(each)):
        match node:
            case ast.Subscript(slice=ast.Constant(value="lr"), ctx=ast.Store()):
                return "it is changed by hand"
    return ""


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in nodes_of(node) if isinstance(inner, ast.Call))


def names_in(node: ast.AST) -> frozenset[str]:
    """Names that code reads; kept with the node."""
    kept: frozenset[str] | None = getattr(node, _NAMES, None)
    if kept is None:
        names = (inner for inner in nodes_of(node) if isinstance(inner, ast.Name))
        kept = frozenset(name.id for name in names if isinstance(name.ctx, ast.Load))
        setattr(node, _NAMES, kept)
    return kept


def _statements(case: Case, cell: int) -> list[ast.stmt]:
    """What runs when a cell does, without the functions and classes that it only defines."""
    record = case.evidence.cells[cell] if 0 <= cell < len(case.evidence.cells) else None
    tree = parse_cell(cell, record.source).tree if record is not None and record.kind == "code" else None
    return [each for each in tree.body if not isinstance(each, _DEFINITIONS)] if tree is not None else []


def _targets(assigned: ast.Assign) -> set[str]:
    return {
        inner.id for target in assigned.targets for inner in nodes_of(target) if isinstance(inner, ast.Name)
    }


def _is_named_gradient(node: ast.AST) -> bool:
    """Whether something is worked out and gets the name of a gradient, as with NumPy."""
    if not isinstance(node, ast.Assign) or not any(
        isinstance(each, ast.BinOp) for each in nodes_of(node.value)
    ):
        return False
    return any(_NAMED_GRADIENT.search(name) for name in _targets(node))


def _trains(call: ast.Call, imported: Container[str]) -> bool:
    match call.func:
        case ast.Attribute(attr="train"):
            # `net.train()` and `net.train(False)` set a mode; `helper.train(net, ...)` trains.
            return any(not isinstance(each, ast.Constant) for each in call.args)
        case ast.Attribute(attr=name):
            return name in _GRADIENTS
        case ast.Name(id=name):
            return name in imported and (name in _GRADIENTS or name.startswith("train"))
    return False
