"""Where code makes probabilities of scores before a loss gets them: at a network's end, or in the loop."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.names import last_name
from grader.facts.code.source import ParsedCell, nodes_of, parse_cell
from grader.facts.definitions import classes_named
from grader.facts.fields import Where
from grader.facts.training.code import calls_in
from grader.facts.training.losses import plain

__all__ = ["Squashing", "squashing_of"]

#: Names of calls, in lower case without underscores, by what they make of scores.
_SQUASHING = {
    "probabilities": {"softmax": "softmax", "sigmoid": "sigmoid"},
    "log_probabilities": {"logsoftmax": "log-softmax", "logsigmoid": "log-sigmoid"},
}
#: Methods and functions that leave numbers as they are.
_MOVES = frozenset(
    {"clamp", "clone", "contiguous", "flatten", "float", "reshape", "squeeze", "t", "to", "unsqueeze", "view"}
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Squashing:
    """A call that makes probabilities of scores.

    Attributes:
        name: ``softmax``, ``sigmoid``, ``log-softmax`` or ``log-sigmoid``.
    """

    name: str
    where: Where


@dataclass(frozen=True)
class _Code:
    """Statements in which an expression is looked up, and layers that a class holds as attributes."""

    statements: tuple[ast.stmt, ...]
    held: Mapping[str, ast.expr]
    names: Mapping[str, str]

    def squashing(self, value: ast.expr | None, before: int) -> tuple[ast.Call, str] | None:
        """The call behind an expression's last operation, where that squashes; None for any other."""
        match value:
            case ast.Tuple(elts=[first, *_]):
                return self.squashing(first, before)
            case ast.Name(id=name):
                given = self._assigned(name, before)
                return None if given is None else self.squashing(given.value, given.lineno)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=attr)) if attr in self.held:
                return self.squashing(self.held[attr], before)
            case ast.Call(func=called, args=args) if plain(last_name(called)) == "sequential":
                return self.squashing(args[-1], before) if args else None
            case ast.Call(func=called) if plain(last_name(called)) in self.names:
                return value, self.names[plain(last_name(called))]
            case ast.Call(func=ast.Call() as made):
                return self.squashing(made, before)
            case ast.Call(func=ast.Attribute(value=inner, attr=attr), args=args) if attr in _MOVES:
                of_torch = isinstance(inner, ast.Name) and inner.id in ("torch", "F") and bool(args)
                return self.squashing(args[0] if of_torch else inner, before)
        return None

    def _assigned(self, name: str, before: int) -> ast.Assign | None:
        """The last assignment to a name alone above a line."""
        found = [
            node
            for statement in self.statements
            for node in nodes_of(statement)
            if isinstance(node, ast.Assign)
            and node.lineno < before
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]
        return max(found, key=lambda node: node.lineno, default=None)


def squashing_of(run: TrainingRun, case: Case) -> Squashing | None:
    """The one call that made what went into a run's loss; None where the code shows none, or several.

    Only what a network does last can be it: an attention's softmax and a gate's sigmoid are others. Where it
    is none of the network's, it may stand in the loop that calls the loss.
    """
    names = {} if run.loss is None else _SQUASHING.get(run.loss.input_kind, {})
    written = next(iter(classes_named(case, run.model.class_name, run.cell)[-1:]), None)
    found = list(_in_class(*written, names)) if written is not None and names else []
    if not found and names:
        found = [*_in_cells(run, case, names)]
    places = {each.where: each for each in found}
    return next(iter(places.values())) if len(places) == 1 else None


def _in_class(cell: ParsedCell, written: ast.ClassDef, names: Mapping[str, str]) -> Iterator[Squashing]:
    methods = {node.name: node for node in written.body if isinstance(node, _FUNCTIONS)}
    made = methods.get("__init__")
    held = dict(_held(made)) if made is not None else {}
    forward = methods.get("forward")
    if forward is None:
        return
    code = _Code(tuple(forward.body), held, names)
    for node in nodes_of(forward):
        if isinstance(node, ast.Return):
            yield from _place(code.squashing(node.value, node.lineno), cell)


def _held(made: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes_of(made):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr)], value=value):
                yield attr, value


def _in_cells(run: TrainingRun, case: Case, names: Mapping[str, str]) -> Iterator[Squashing]:
    """Squashing as the last layer of a Sequential, or in what a loss is given."""
    functions = case.facts.functions.by_name.values()
    for record in case.evidence.cells[: (run.cell or 0) + 1]:
        cell = parse_cell(record.index, record.source) if record.kind == "code" else None
        if cell is None or cell.tree is None:
            continue
        for node in ast.iter_child_nodes(cell.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in run.model.names:
                    yield from _place(_Code((), {}, names).squashing(value, node.lineno), cell)
        if record.index == run.cell:
            yield from _given_to_losses(cell, [cell.tree], names)
    for written in functions:
        yield from _given_to_losses(written.cell, [written.node], names)


def _given_to_losses(
    cell: ParsedCell, nodes: Iterable[ast.AST], names: Mapping[str, str]
) -> Iterator[Squashing]:
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            continue
        code = _Code(tuple(each for each in nodes_of(node) if isinstance(each, ast.Assign)), {}, names)
        for call in calls_in(node):
            called = plain(last_name(call.func))
            if call.args and ("loss" in called or "criterion" in called or "entropy" in called):
                yield from _place(code.squashing(call.args[0], call.lineno + 1), cell)


def _place(found: tuple[ast.Call, str] | None, cell: ParsedCell) -> Iterator[Squashing]:
    if found is not None:
        yield Squashing(found[1], Where(cell=cell.index, line=cell.line_of(found[0])))
