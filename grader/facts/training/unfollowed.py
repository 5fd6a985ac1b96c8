"""Uses of test data that the record of training cannot follow: joined with others, or without a loader."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.known import Fact, Known, Unknown
from grader.facts.once import once
from grader.facts.training.code import assigned_behind, calls_in, names_in, reached_code
from grader.facts.training.data_use import says_test

__all__ = ["followed"]

#: What makes one data set, or one tensor, of parts.
_JOINS = frozenset(
    {"ChainDataset", "ConcatDataset", "TensorDataset", "cat", "chain", "concat", "concatenate", "stack"}
    | {"vstack"}
)
#: What gives data of the data that it takes, under another name perhaps.
_PASSES_ON = frozenset({"DataLoader", "Subset", "from_numpy", "iter", "list", "next", "tensor", "tuple"})
_STEPS = frozenset({"backward", "step"})
_NETWORKS = frozenset({"model", "net", "network"})


def followed(case: Case, runs: Sequence[TrainingRun]) -> Fact[bool]:
    """Whether all use of test data in the course of these runs is in the record.

    The record knows data by the set below a loader's: what a set is joined from, and what goes into a network
    without a loader, it does not. The code is asked whether such a thing is called test data there.
    """
    for cells in dict.fromkeys((run.cell, run.last_cell) for run in runs):
        of_run = tuple(cell for cell in dict.fromkeys(cells) if cell is not None)
        cut = any(run.passes_cut for run in runs if (run.cell, run.last_cell) == cells)
        hidden = _hidden(case, of_run) or (_seldom(case, of_run) if cut else "")
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
    beside = next(_beside(case, reached), None)
    if beside is not None:
        return f"takes batches of `{beside}` beside others"
    looked_at = next(_looked_at(case, reached), None)
    return "" if looked_at is None else f"applies a network to `{looked_at}` without a loader"


@once
def _seldom(case: Case, cells: tuple[int, ...]) -> str:
    """What code of these cells does with test data after some batches, which our run may not have come to."""
    for loop in (inner for node in reached_code(case, cells) for inner in nodes_of(node)):
        if not isinstance(loop, ast.For | ast.While) or not _takes_steps(loop):
            continue
        for branch in (inner for inner in nodes_of(loop) if isinstance(inner, ast.If)):
            counts = any(isinstance(each, ast.Compare | ast.Mod) for each in nodes_of(branch.test))
            names = [name for node in _with_called(case, branch) for name in _test_names(case, node)]
            data = [name for name in names if name not in case.facts.functions.by_name]
            if counts and data:
                return f"looks at `{data[0]}` after some batches, which our run may have ended before"
    return ""


def _takes_steps(loop: ast.For | ast.While) -> bool:
    """Whether a loop takes steps itself, not by a loop inside."""
    inside = {
        id(each)
        for inner in nodes_of(loop)
        if isinstance(inner, ast.For | ast.While) and inner is not loop
        for each in nodes_of(inner)
    }
    return any(
        isinstance(call.func, ast.Attribute) and call.func.attr in _STEPS and id(call) not in inside
        for call in calls_in(loop)
    )


def _joined(case: Case, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of test data that some code makes into data of another name.

    What stands in a pair, or under a key, beside others is kept apart from them, as a loader for each part.
    """
    for node in nodes:
        if not any(_test_names(case, node)):
            continue
        apart = [each for each in nodes_of(node) if _is_pair(each) or _is_named_test(each)]
        inside = {id(inner) for each in apart for inner in nodes_of(each)}
        for inner in nodes_of(node):
            if id(inner) not in inside and _joins(case, inner):
                yield from _test_names(case, inner)


def _is_pair(node: ast.AST) -> bool:
    return isinstance(node, ast.Dict) or (isinstance(node, ast.Tuple) and not _spreads(node))


def _spreads(node: ast.List | ast.Tuple) -> bool:
    """Whether items of several things are written into one list: ``[*train_set, *test_set]``."""
    return len(node.elts) > 1 and any(isinstance(each, ast.Starred) for each in node.elts)


def _joins(case: Case, node: ast.AST) -> bool:
    match node:
        case ast.List() | ast.Tuple():
            return _spreads(node)
        case ast.AugAssign(op=ast.Add(), value=value):
            return _is_collection(value)
        case ast.Call(func=ast.Attribute(attr="extend")):
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_collection(left) and _is_collection(right)
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in _JOINS or _is_own_data_set(case, name)
    return False


def _is_collection(node: ast.AST) -> bool:
    """Whether an operand of a sum may be a data set or a list of its items."""
    match node:
        case ast.Name() | ast.ListComp() | ast.Call(func=ast.Name(id="list" | "DataLoader")):
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_collection(left) and _is_collection(right)
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


def _beside(case: Case, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of test data among several that a loop which takes steps goes through at once."""
    for loop in (inner for node in nodes for inner in nodes_of(node) if isinstance(inner, ast.For)):
        if _takes_steps(loop) and not isinstance(loop.iter, ast.Dict | ast.Tuple | ast.List):
            for call in calls_in(loop.iter):
                given = [each.id for each in call.args if isinstance(each, ast.Name)]
                named = [name for name in given if name in _test_named(case) or says_test(name)]
                if len(given) > 1 and named:
                    yield named[0]


def _looked_at(case: Case, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of test data that a network is applied to in a loop that trains, but for batches of a loader."""
    networks = _NETWORKS | {name for run in case.evidence.training.runs for name in run.model.names}
    for loop in (
        inner for node in nodes for inner in nodes_of(node) if isinstance(inner, ast.For | ast.While)
    ):
        code = _with_called(case, loop)
        if not any(name for node in code for name in _test_names(case, node)):
            continue
        calls = [call for node in code for call in calls_in(node)]
        if not any(isinstance(call.func, ast.Attribute) and call.func.attr in _STEPS for call in calls):
            continue
        batches = {name for node in code for name in _batches(node)}
        taken = {name: data for node in code for name, data in _taken(case, node)}
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in networks:
                given = (name for each in call.args for name in _test_names(case, each))
                yield from (name for name in given if name not in batches)
                named = (name for each in call.args for name in sorted(names_in(each)))
                yield from (taken[name] for name in named if name in taken)


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


def _taken(case: Case, node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that code gives items of test data, or one batch of them, each with the name of these data.

    What a loop takes from a loader is in the record; a function's own ``test_data`` may be any data.
    """
    own = {each.arg for each in nodes_of(node) if isinstance(each, ast.arg)}
    for inner in nodes_of(node):
        match inner:
            case ast.For(target=target, iter=made) | ast.comprehension(target=target, iter=made):
                known = "load" in ast.unparse(made).lower()
            case ast.Assign(targets=[target], value=made):
                known = False
            case _:
                continue
        data = [] if known else [name for name in _test_names(case, made) if name not in own]
        functions = case.facts.functions.by_name
        for name in (each.id for each in nodes_of(target) if isinstance(each, ast.Name)):
            yield from ((name, each) for each in data[:1] if each not in functions)


def _test_names(case: Case, node: ast.AST) -> Iterator[str]:
    others = _test_named(case)
    return (name for name in sorted(names_in(node)) if says_test(name) or name in others)


@once
def _test_named(case: Case) -> frozenset[str]:
    """Names that say nothing of test data and were given them at the top of a cell."""
    given: set[str] = set()
    assigned = [
        statement
        for cell in case.evidence.cells
        if cell.kind == "code" and (tree := parse_cell(cell.index, cell.source).tree) is not None
        for statement in tree.body
        if isinstance(statement, ast.Assign)
    ]
    for statement in assigned:
        for targets, value in _pairs(statement):
            if _gives_test_data(value, given):
                given |= {name for name in targets if not says_test(name)}
            else:
                given -= set(targets)
    return frozenset(given)


def _pairs(statement: ast.Assign) -> Iterator[tuple[list[str], ast.expr]]:
    """What names are given in one assignment: each its own of a tuple, or all the same."""
    target, value = statement.targets[-1], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield ([one.id] if isinstance(one, ast.Name) else [], its)
        return
    targets = statement.targets if not isinstance(target, ast.Tuple) else target.elts
    yield [each.id for each in targets if isinstance(each, ast.Name)], value


def _gives_test_data(value: ast.expr, given: set[str]) -> bool:
    """Whether a value is test data, or part of them, whatever is done to their numbers."""
    match value:
        case ast.Name(id=name):
            return says_test(name) or name in given
        case ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return _gives_test_data(inner, given)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in _PASSES_ON:
            return any(_gives_test_data(each, given) for each in args[:1])
        case ast.Call(func=ast.Attribute(value=inner)):
            return _gives_test_data(inner, given)
    return False
