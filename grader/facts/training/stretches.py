"""Statements of a cell in which something ran, and loops that go through settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.facts.code.names import last_name
from grader.facts.code.source import ParsedCell, nodes_of
from grader.facts.training.code import calls_in

__all__ = ["body_of", "goes_through_settings", "statements_at", "top_statements"]

#: What draws a setting by chance (random, numpy.random, optuna).
_BY_CHANCE = frozenset({"choice", "loguniform", "suggest_categorical", "suggest_float", "uniform"})
_BLOCKS = (ast.If, ast.With, ast.Try, ast.ExceptHandler)


def top_statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements of a cell in order; blocks that do not repeat are opened."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, _BLOCKS):
            yield from top_statements(child)
        elif isinstance(child, ast.stmt):
            yield child


def statements_at(cell: ParsedCell, line: int | None) -> list[ast.stmt]:
    """Statements that a line belongs to, outside any function; blocks that do not repeat are opened."""
    if cell.tree is None or line is None:
        return []
    return [statement for statement in top_statements(cell.tree) if _covers(cell, statement, line)]


def _covers(cell: ParsedCell, statement: ast.stmt, line: int) -> bool:
    first, last = cell.line_of(statement), cell.last_line_of(statement)
    return first is not None and last is not None and first <= line <= last


def body_of(loop: ast.AST) -> list[ast.AST]:
    match loop:
        case ast.For(body=body) | ast.AsyncFor(body=body) | ast.While(body=body):
            return list(body)
        case ast.DictComp(key=key, value=value):
            return [key, value]
        case ast.Call(func=ast.Name(id="map"), args=[ast.Lambda(body=body), *_]):
            return [body]
        case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
            return [element]
    return []


def goes_through_settings(loop: ast.AST) -> bool:
    """Whether a loop takes one thing after the other out of a collection, by itself or by its number."""
    if isinstance(loop, ast.While):
        return False
    if isinstance(loop, ast.Call) or any(_draws(each) for each in body_of(loop)):
        return True
    heads = [loop] if isinstance(loop, ast.For | ast.AsyncFor) else getattr(loop, "generators", [])
    if not all(_counts(head.iter) for head in heads):
        return True
    numbers = {name.id for head in heads for name in nodes_of(head.target) if isinstance(name, ast.Name)}
    places = (
        inner.slice for node in body_of(loop) for inner in nodes_of(node) if isinstance(inner, ast.Subscript)
    )
    return any(isinstance(place, ast.Name) and place.id in numbers for place in places)


def _draws(statement: ast.AST) -> bool:
    """Whether a statement of a loop draws a value by chance, as a random search does a setting."""
    return isinstance(statement, ast.Assign) and any(
        last_name(call.func) in _BY_CHANCE for call in calls_in(statement.value)
    )


def _counts(given: ast.expr) -> bool:
    """Whether something is a range of numbers, with a progress bar around it or not."""
    calls = [call.func for call in calls_in(given)]
    return any(isinstance(name, ast.Name) and name.id in ("range", "trange") for name in calls)
