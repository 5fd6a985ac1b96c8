"""Whether a loop keeps something of every batch, so that all of its passes must have as many batches.

Rows of losses that differ in length make no array: a loop that keeps them gets the same number in each pass.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from types import FrameType
from typing import Any

import numpy as np

from grader.collector.networks import is_tensor
from grader.collector.recorder.rhythm import Scope, called_name, loops_running, walk

__all__ = ["keeps_batches"]

_KEEPING = frozenset({
    "add", "append", "appendleft", "cat", "concat", "concatenate", "dict", "extend", "hstack", "insert",
    "list", "next", "put", "setdefault", "sorted", "stack", "tuple", "vstack",
})  # fmt: skip


def keeps_batches(frames: Iterable[FrameType], namespace: dict[str, Any]) -> bool:
    """Whether the loop that runs now may keep something of every batch; False where it adds up numbers alone.

    So it is too where it counts batches to some end of its own, which might take it more passes, or divides
    by the number of the last one.

    Args:
        frames: From the innermost outwards.
        namespace: The notebook's globals; frames that run in it are read.
    """
    scopes = list(loops_running(frames, namespace))
    if not scopes or any(scope.in_while or _divides_by_counter(scope) for scope in scopes):
        return True
    return any(_keeps(node, scope) for scope in scopes for node in walk(scope.nodes))


def _divides_by_counter(scope: Scope) -> bool:
    """Whether a mean is taken over the number of the last batch, which is 0 where there is one alone."""
    trees = () if scope.tree is None or not scope.counted_from_0 else (scope.tree,)
    divisors = (
        node.right for node in walk(trees) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    )
    return any(_counts_from_0(divisor, scope.counted_from_0) for divisor in divisors)


def _counts_from_0(divisor: ast.AST, counters: Collection[str]) -> bool:
    parts = walk([divisor])
    named = any(isinstance(part, ast.Name) and part.id in counters for part in parts)
    return named and not any(isinstance(part, ast.Add) for part in parts)


def _keeps(node: ast.AST, scope: Scope) -> bool:
    match node:
        case ast.Call():
            return called_name(node) in _KEEPING
        case ast.AugAssign(target=ast.Name(id=name)):
            return not _is_number(scope.names.get(name))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return any(isinstance(side, ast.List | ast.ListComp | ast.Tuple) for side in (left, right))
        case (
            ast.ListComp()
            | ast.DictComp()
            | ast.SetComp()
            | ast.Subscript(ctx=ast.Store())
            | ast.AugAssign()
            | ast.Yield()
            | ast.YieldFrom()
            | ast.Break()
        ):
            return True
    return False


def _is_number(value: Any) -> bool:
    return (
        type(value) in (int, float) or isinstance(value, np.number) or (is_tensor(value) and value.ndim == 0)
    )
