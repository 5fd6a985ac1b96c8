"""What a loop does every few batches, read from the code of the frames that run: a pass is not cut before it.

Validation after each tenth batch, a checkpoint after each twentieth or a schedule's step would else never
happen under a budget, and neither would a look at the test data be seen.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType, FunctionType
from typing import Any

__all__ = ["Scope", "batches_asked", "called_name", "loops_running", "walk"]

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
#: Calls that only show or convert something; they are missed by nobody.
_IDLE = frozenset({
    "flush", "float", "format", "int", "item", "len", "print", "round", "set_description", "set_postfix",
    "set_postfix_str", "str", "write",
})  # fmt: skip
_MOST_NODES = 4000


@dataclass(frozen=True)
class Scope:
    """Code, and what its names stand for while it runs; not for all of a function that is only called.

    Attributes:
        in_while: A ``while`` is around it, which may count its rounds.
        tree: Of the cell that a loop stands in.
    """

    nodes: tuple[ast.AST, ...]
    names: Mapping[str, Any]
    counted_from_0: frozenset[str] = frozenset()
    in_while: bool = False
    tree: ast.Module | None = None


def batches_asked(frames: Iterable[FrameType], namespace: dict[str, Any], most: int) -> int:
    """Batches of a loop after which all has happened that it does every few of them; 0 where that is nothing.

    Args:
        frames: From the innermost outwards; those of generators have a loop behind them.
        namespace: The notebook's globals; frames that run in it are read.
        most: What happens after more batches than these is not waited for.
    """
    found = (number for scope in loops_running(frames, namespace) for number in _asked_by(scope))
    return max((number for number in found if number <= most), default=0)


def loops_running(frames: Iterable[FrameType], namespace: dict[str, Any]) -> Iterator[Scope]:
    """The notebook's innermost loop that runs now, and what it calls; behind a generator the next one too."""
    for frame in frames:
        if frame.f_globals is namespace:
            scopes = list(_scopes(frame, namespace))
            yield from scopes
            if scopes and not frame.f_code.co_flags & inspect.CO_GENERATOR:
                break


def _scopes(frame: FrameType, namespace: dict[str, Any]) -> Iterator[Scope]:
    """The innermost loop that a frame is in, and what it calls of the notebook's own."""
    around = _loops_at(frame.f_code, frame.f_lineno)
    if not around:
        return
    loop, in_while = around[-1], any(isinstance(each, ast.While) for each in around)
    names = {**namespace, **frame.f_locals}
    own = Scope(
        tuple(loop.body), names, frozenset(_counted_from_0(loop)), in_while, _tree(frame.f_code.co_filename)
    )
    yield own
    for call in _calls_in(own.nodes):
        yield from _called(call, names, namespace)


def _called(call: ast.Call, names: Mapping[str, Any], namespace: dict[str, Any]) -> Iterator[Scope]:
    """A function, or a method, of the notebook that some code calls."""
    bound: dict[str, Any] = {}
    match call.func:
        case ast.Name(id=name):
            function = names.get(name)
        case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in names:
            function = inspect.getattr_static(type(names[holder]), name, None)
            bound = {"self": names[holder]}
        case _:
            return
    if type(function) is FunctionType and function.__globals__ is namespace:
        written = _definition(function.__code__)
        if written is not None:
            yield Scope(tuple(written.body), {**namespace, **bound})


@lru_cache(maxsize=64)
def _tree(filename: str) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return None


def _loops_at(code: CodeType, line: int) -> list[ast.For | ast.AsyncFor | ast.While]:
    """The loops around a line of a cell, the innermost last."""
    tree = _tree(code.co_filename)
    around = [
        node
        for node in (walk([tree]) if tree is not None else ())
        if isinstance(node, _LOOPS) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return sorted(around, key=lambda node: node.lineno)


def _definition(code: CodeType) -> ast.FunctionDef | None:
    tree = _tree(code.co_filename)
    found = (
        node
        for node in (walk([tree]) if tree is not None else ())
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name
    )
    lines = range(code.co_firstlineno, code.co_firstlineno + 20)
    return next((node for node in found if node.lineno in lines), None)


def walk(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """Nodes with all below them; where these are very many, some are left out."""
    reached = list(nodes)
    for node in reached:
        if len(reached) > _MOST_NODES:
            break
        reached.extend(ast.iter_child_nodes(node))
    return reached


def _calls_in(nodes: Iterable[ast.AST]) -> list[ast.Call]:
    return [node for node in walk(nodes) if isinstance(node, ast.Call)]


def _counted_from_0(loop: ast.AST) -> Iterator[str]:
    """The counter of ``enumerate(...)`` without a start, whose first value is reached at once."""
    if not isinstance(loop, ast.For | ast.AsyncFor) or not isinstance(loop.target, ast.Tuple):
        return
    counts = [
        call
        for call in _calls_in([loop.iter])
        if isinstance(call.func, ast.Name) and call.func.id == "enumerate" and len(call.args) == 1
    ]
    first = loop.target.elts[0]
    if counts and not any(call.keywords for call in counts) and isinstance(first, ast.Name):
        yield first.id


def _asked_by(scope: Scope) -> Iterator[int]:
    for node in walk(scope.nodes):
        match node:
            case ast.If(test=test, body=body, orelse=orelse) if _matters(body) or _matters(orelse):
                yield from _asked_by_test(test, scope)
            case ast.BoolOp(op=ast.And(), values=[*tests, done]) if _matters([done]):
                for test in tests:
                    yield from _asked_by_test(test, scope)


def _matters(body: Iterable[ast.AST]) -> bool:
    """Whether code calls anything that is not idle."""
    return any(called_name(call) not in _IDLE for call in _calls_in(body))


def called_name(call: ast.Call) -> str:
    """The last part of a called function's name."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _asked_by_test(test: ast.AST, scope: Scope) -> Iterator[int]:
    """Counts of batches that conditions such as ``i % 10 == 9`` or ``n == 8`` wait for."""
    at_once = {
        id(node.left) for node in walk([test]) if isinstance(node, ast.Compare) and _is_true_at_0(node, scope)
    }
    for node in walk([test]):
        match node:
            case ast.BinOp(op=ast.Mod(), right=every) if id(node) not in at_once:
                yield from _number(every, scope.names)
            case ast.Compare(left=left, ops=[ast.Eq() | ast.GtE() | ast.Gt()], comparators=[right]):
                for side in (left, right):
                    yield from (number + 1 for number in _number(side, scope.names) if _is_fixed(side))
            case ast.Compare(ops=[ast.In()], comparators=[ast.Tuple(elts=sides) | ast.List(elts=sides)]):
                for side in sides:
                    yield from (number + 1 for number in _number(side, scope.names))


def _is_true_at_0(node: ast.Compare, scope: Scope) -> bool:
    match node:
        case ast.Compare(
            left=ast.BinOp(left=ast.Name(id=name), op=ast.Mod()),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value=0)],
        ):
            return name in scope.counted_from_0
    return False


def _is_fixed(side: ast.AST) -> bool:
    """Whether a number does not change from batch to batch by what it is made of."""
    return isinstance(side, ast.Constant) or any(called_name(call) == "len" for call in _calls_in([side]))


def _number(node: ast.AST, names: Mapping[str, Any]) -> Iterator[int]:
    """The whole number that an expression stands for, if it can be read without running any code."""
    try:
        value = _value(node, names)
    except Exception:  # what cannot be read asks for nothing
        return
    if type(value) is int and value > 0:
        yield value


def _value(node: ast.AST, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.Attribute(value=holder, attr=name):
            found = _value(holder, names)
            own = getattr(found, "__dict__", {})
            return own[name] if name in own else inspect.getattr_static(type(found), name)
        case ast.Subscript(value=holder, slice=key):
            found = _value(holder, names)
            return found[_value(key, names)] if type(found) in (dict, list, tuple) else None
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(op, _value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id="len"), args=[sized], keywords=[]):
            return len(_value(sized, names))
        case ast.Call(func=ast.Name(id="int" | "max"), args=[first, *_]):
            return int(_value(first, names))
    raise ValueError(ast.dump(node))


def _combined(op: ast.operator, left: Any, right: Any) -> Any:
    if not {type(left), type(right)} <= {int, float}:
        raise ValueError("no numbers")
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv():
            return left // right
        case ast.Div():
            return left / right
    raise ValueError(ast.dump(op))
