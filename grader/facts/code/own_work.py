"""Whether code does any work itself, or only hands it on; and what else does the work of a function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from grader.facts.code.functions import LOOPS, Functions, Written
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of
from grader.facts.known import Fact, Unknown

__all__ = ["is_handed_on", "own_work", "same_work"]

#: Functions and methods that reckon, by the last part of their name.
_RECKONING = frozenset({
    "add", "addmm", "amax", "amin", "average", "baddbmm", "bmm", "cumsum", "dot", "einsum", "inner", "matmul",
    "max", "maximum", "mean", "min", "mm", "mul", "multiply", "prod", "sub", "subtract", "sum", "tensordot",
    "vdot",
})  # fmt: skip
#: Those that call another function for each item.
_REPEATING = frozenset({"apply_along_axis", "map", "reduce", "starmap", "vectorize", "vmap"})


def own_work(functions: Functions, written: Written) -> Fact[Written]:
    """A function that loops, calls itself or reckons, or uses one of the notebook's that does."""
    if any(_works(one) for one in functions.reached_from(written)):
        return written.text
    return Unknown("its code has neither a loop nor arithmetic of its own")


def _works(one: Written) -> bool:
    return any(
        isinstance(node, (*LOOPS, ast.BinOp, ast.AugAssign))
        or (isinstance(node, ast.Call) and last_name(node.func) in _RECKONING | _REPEATING)
        or (isinstance(node, ast.Name) and node.id == one.name and isinstance(node.ctx, ast.Load))
        for node in nodes_of(one.node)
    )


#: Functions of libraries and operators of torch that do the same work by other names.
_KINDS = (
    re.compile(
        r"(?:^|_)(?:conv(?:\dd|_|olution|olve)|correlate|fftconvolve|oaconvolve|filter2d)", re.IGNORECASE
    ),
    re.compile(r"^(?:im2col|unfold|sliding_window_view)$", re.IGNORECASE),
    re.compile(r"(?:max|avg)_?pool\dd", re.IGNORECASE),
)


#: Array libraries whose functions are seen while a function is called.
_SEEN = frozenset({"cv2", "numpy", "scipy", "skimage"})


def is_handed_on(called: str) -> bool:
    """Whether what was called, by its dotted name, has work done in another thread or process."""
    return called.partition(".")[0] not in _SEEN


def same_work(called: str, names: Iterable[str]) -> bool:
    """Whether a function, by its dotted name, is of a kind with one of these, and none of them itself."""
    last = called.rpartition(".")[2]
    plain = {name.rpartition(".")[2] for name in names}
    return last not in plain and any(
        kind.search(last) and any(kind.search(name) for name in plain) for kind in _KINDS
    )
