"""Where in code what a network computed gets to: names that hold it, or something that is made of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of

__all__ = ["Flow", "given_on", "is_extractor"]

_MOST_ROUNDS = 12
#: These give a tensor's numbers and leave its history behind.
_NUMBERS = frozenset({"data", "numpy", "tolist"})
#: What puts something into a list, a set or a dictionary.
_FILLS = frozenset({"append", "appendleft", "extend", "add", "insert", "update", "setdefault", "put"})
_SHOWS = frozenset({"print", "display", "summary", "len", "type"})
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def is_extractor(node: ast.AST, call: str) -> bool:
    """Whether this is the extractor as an attribute, as ``alexnet.features``, or a call of its bare name."""
    match node:
        case ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)):
            return name == call
    return False


def given_on(node: ast.AST) -> tuple[ast.AST, ...]:
    """What a node calls, gives a name, or gives to a function that does not only show it."""
    match node:
        case ast.Call(func=ast.Attribute(value=hooked, attr="register_forward_hook")):
            return (hooked,)
        case ast.Call(func=func, args=args, keywords=keywords):
            given = () if last_name(func) in _SHOWS else (*args, *(each.value for each in keywords))
            return (node, func, *given)
        case ast.Assign(value=value) | ast.NamedExpr(value=value) | ast.Return(value=ast.expr() as value):
            return (value,)
        case ast.AnnAssign(value=ast.expr() as value):
            return (value,)
    return ()


@dataclass(frozen=True)
class Flow:
    """Names of variables, attributes, functions and classes that hold or give something from a source."""

    names: frozenset[str]
    is_source: Callable[[ast.AST], bool]

    @classmethod
    def of(cls, nodes: Sequence[ast.AST], is_source: Callable[[ast.AST], bool]) -> Flow:
        """Follows assignments, loops, calls and what is put into lists, until nothing is new."""
        defined = {node.name: node for node in nodes if isinstance(node, _FUNCTIONS)}
        flow = cls(frozenset(), is_source)
        for _ in range(_MOST_ROUNDS):
            new = {name for node in nodes for name in flow._reached(node, defined)}
            if new <= flow.names:
                break
            flow = cls(flow.names | new, is_source)
        return flow

    def has(self, node: ast.AST) -> bool:
        """Whether an expression has the source in it, or a name that it got to."""
        return any(self.is_source(each) or _name_of(each) in self.names for each in nodes_of(node))

    def is_given(self, node: ast.AST) -> bool:
        """Whether a call gets it, or is a method of it."""
        return isinstance(node, ast.Call) and any(map(self.has, _parts(node)))

    def takes_numbers(self, nodes: Iterable[ast.AST]) -> bool:
        """Whether numbers alone are taken of it, as ``f.data`` or ``f.numpy()``."""
        attributes = (node for node in nodes if isinstance(node, ast.Attribute) and node.attr in _NUMBERS)
        return any(self.has(node.value) for node in attributes)

    def _reached(self, node: ast.AST, defined: dict[str, _FUNCTIONS]) -> Iterator[str]:
        """Names that get it by this node, if any does."""
        match node:
            case ast.Assign(targets=targets, value=value) if self.has(value):
                yield from (name for target in targets for name in _bound(target))
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
                | ast.For(target=target, iter=value)
                | ast.comprehension(target=target, iter=value)
            ) if self.has(value):
                yield from _bound(target)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if any(self.has(part) for part in node.body):
                    yield name
            case ast.Call(func=ast.Attribute(value=owner, attr="register_forward_hook"), args=[hook, *_]):
                called = hook if isinstance(hook, ast.Lambda) else defined.get(_name_of(hook) or "")
                if called is not None and self.has(owner):
                    yield from _parameters(called)
            case ast.Call(func=func) if any(self.has(part) for part in _parts(node)[1:]):
                if isinstance(func, ast.Attribute) and func.attr in _FILLS:
                    yield from _bound(func.value)
                called = defined.get(last_name(func) or "")
                if called is not None:
                    yield from _parameters(called)


def _parts(node: ast.Call) -> tuple[ast.AST, ...]:
    """Whose method is called, and what it gets."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else ast.Tuple([], ast.Load())
    return (owner, *node.args, *(each.value for each in node.keywords))


def _parameters(called: _FUNCTIONS | ast.Lambda) -> Iterator[str]:
    arguments = called.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return (argument.arg for argument in every)


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _bound(target: ast.AST) -> Iterator[str]:
    """Names that are bound, or changed: ``items`` of ``self.items``, ``f`` of ``f["train"]``."""
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Subscript(value=inner) | ast.Starred(value=inner):
            yield from _bound(inner)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _bound(part)
