"""Uses of test data that the record of training cannot follow: joined with others, or without a loader."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import nodes_of
from grader.facts.known import Fact, Known, Unknown
from grader.facts.once import once
from grader.facts.training.code import assigned_behind, calls_in, names_in, reached_code
from grader.facts.training.data_use import says_test

__all__ = ["followed"]

#: What makes one data set, or one tensor, of parts.
_JOINS = frozenset(
    {"ChainDataset", "ConcatDataset", "TensorDataset", "cat", "concat", "concatenate", "stack", "vstack"}
)
_STEPS = frozenset({"backward", "step"})
_NETWORKS = frozenset({"model", "net", "network"})


def followed(case: Case, runs: Sequence[TrainingRun]) -> Fact[bool]:
    """Whether all use of test data in the course of these runs is in the record.

    The record knows data by the set below a loader's: what a set is joined from, and what goes into a network
    without a loader, it does not. The code is asked whether such a thing is called test data there.
    """
    for cells in dict.fromkeys((run.cell, run.last_cell) for run in runs):
        hidden = _hidden(case, tuple(cell for cell in dict.fromkeys(cells) if cell is not None))
        if hidden:
            return Unknown(f"the code that trains {hidden}")
    return Known(True)


@once
def _hidden(case: Case, cells: tuple[int, ...]) -> str:
    """What code of these cells does with test data that the record does not show; empty for nothing."""
    reached = reached_code(case, cells)
    used = [node for node in reached if not isinstance(node, ast.Assign)]
    joined = next(_joined(case, [*used, *assigned_behind(case, used)]), None)
    if joined is not None:
        return f"uses data which are made of `{joined}` among others"
    looked_at = next(_looked_at(case, reached), None)
    return "" if looked_at is None else f"applies a network to `{looked_at}` without a loader"


def _joined(case: Case, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of test data that some code makes into data of another name.

    What stands in a pair, or under a key, beside others is kept apart from them, as a loader for each part.
    """
    for node in nodes:
        if not any(_test_names(node)):
            continue
        apart = [
            each for each in nodes_of(node) if isinstance(each, ast.Dict | ast.Tuple) or _is_named_test(each)
        ]
        inside = {id(inner) for each in apart for inner in nodes_of(each)}
        for inner in nodes_of(node):
            if id(inner) not in inside and _joins(case, inner):
                yield from _test_names(inner)


def _joins(case: Case, node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=ast.Add(), left=ast.Name(), right=ast.Name()):
            return True
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in _JOINS or _is_own_data_set(case, name)
    return False


def _is_own_data_set(case: Case, name: str) -> bool:
    written = case.facts.functions.by_name.get(name)
    bases = written.node.bases if written is not None and isinstance(written.node, ast.ClassDef) else []
    return any(ast.unparse(base).endswith("Dataset") for base in bases)


def _is_named_test(node: ast.AST) -> bool:
    """Whether a statement gives something a name that calls it test data."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = (inner for target in targets for inner in nodes_of(target))
    return any(isinstance(name, ast.Name) and says_test(name.id) for name in names)


def _looked_at(case: Case, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of test data that a network is applied to in a loop that trains, but for batches of a loader."""
    networks = _NETWORKS | {name for run in case.evidence.training.runs for name in run.model.names}
    for loop in (
        inner for node in nodes for inner in nodes_of(node) if isinstance(inner, ast.For | ast.While)
    ):
        code = _with_called(case, loop)
        if not any(name for node in code for name in _test_names(node)):
            continue
        calls = [call for node in code for call in calls_in(node)]
        if not any(isinstance(call.func, ast.Attribute) and call.func.attr in _STEPS for call in calls):
            continue
        batches = {name for node in code for name in _batches(node)}
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in networks:
                given = (name for each in call.args for name in _test_names(each))
                yield from (name for name in given if name not in batches)


def _with_called(case: Case, loop: ast.AST) -> list[ast.AST]:
    """A loop, and the notebook's own functions that it uses."""
    functions = case.facts.functions
    called = sorted(names_in(loop) & set(functions.by_name))
    return [loop, *(each.node for name in called for each in functions.reached_from(functions.by_name[name]))]


def _batches(node: ast.AST) -> Iterator[str]:
    """Names that loops give what they go through, as ``x`` and ``y`` of a loader."""
    for loop in nodes_of(node):
        if isinstance(loop, ast.For):
            yield from (inner.id for inner in nodes_of(loop.target) if isinstance(inner, ast.Name))


def _test_names(node: ast.AST) -> Iterator[str]:
    return (name for name in sorted(names_in(node)) if says_test(name))
