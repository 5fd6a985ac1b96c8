"""Work that is written out in loops, over rows and columns or beside a library function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from grader.facts.code.functions import LOOPS, Functions
from grader.facts.code.names import last_name
from grader.facts.code.source import ParsedCell, nodes_of
from grader.facts.fields import Where

__all__ = ["counts_rounds", "loops_beside", "loops_in_function", "loops_within_loops", "may_stop_early"]

#: Functions that call another one for each item.
_MAPPING = frozenset({"map", "reduce", "starmap"})
#: Those of NumPy and torch, which are Python loops all the same.
#: Source: numpy.vectorize ("The implementation is essentially a for loop").
_MAPPING_ARRAYS = frozenset({
    "apply_", "apply_along_axis", "apply_over_axes", "applymap", "frompyfunc", "map_", "vectorize",
})  # fmt: skip
#: What goes through all pairs of rows and columns in a single loop.
_PAIRING = frozenset({"ndenumerate", "ndindex", "nditer", "product"})
_LEAVING = (ast.Break, ast.Return, ast.Raise)


def loops_in_function(functions: Functions, names: Iterable[str]) -> list[Where]:
    """Loops of the first function of these names that there is, and of what it reaches."""
    written = functions.first(names)
    reached = [] if written is None else functions.reached_from(written)
    return [one.where(node) for one in reached for node in nodes_of(one.node) if _goes_through(node)]


def counts_rounds(loop: ast.While) -> bool:
    """Whether a loop ends by a count of its rounds alone: ``while epoch < 3: ...; epoch += 1``."""
    rounds = {
        each.target.id
        for each in loop.body
        if isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name)
        if isinstance(each.value, ast.Constant)
    }
    stops = [each for each in loop.body if isinstance(each, ast.If) and _leaves(each)]
    ends = [*([] if isinstance(loop.test, ast.Constant) else [loop.test]), *(each.test for each in stops)]
    elsewhere = sum(map(_leaves, loop.body)) > len(stops)
    return bool(ends) and not elsewhere and all(_compares(each, rounds, loop) for each in ends)


def may_stop_early(loop: ast.AST) -> bool:
    """Whether a loop may end by what it comes to, as early stopping does, and not by a count alone."""
    if isinstance(loop, ast.While):
        return not counts_rounds(loop) and not _is_drained(loop)
    if not isinstance(loop, ast.For):
        return False
    turns = {each.id for each in nodes_of(loop.target) if isinstance(each, ast.Name)}
    return any(
        not (isinstance(branch.test, ast.Compare) and _names_in(branch.test) & turns)
        for branch in _branches_that_leave(loop)
    )


def _is_drained(loop: ast.While) -> bool:
    """Whether it goes on for ever but for the end of what it takes things from."""
    return isinstance(loop.test, ast.Constant) and not any(_branches_that_leave(loop))


def _branches_that_leave(loop: ast.For | ast.While) -> Iterator[ast.If]:
    """Conditions in a loop under which it is left, but for those of loops and functions inside."""
    waiting: list[ast.AST] = list(loop.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and any(
            isinstance(each, _LEAVING) for each in (*node.body, *node.orelse)
        ):
            yield node
        if not isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            waiting += ast.iter_child_nodes(node)


def _names_in(node: ast.AST) -> set[str]:
    return {each.id for each in nodes_of(node) if isinstance(each, ast.Name)}


def _leaves(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Break | ast.Return | ast.Raise) for each in nodes_of(node))


def _compares(test: ast.expr, rounds: set[str], loop: ast.While) -> bool:
    """Whether a condition compares a count of rounds with what does not change in the loop."""
    read = {each.id for each in nodes_of(test) if isinstance(each, ast.Name)}
    nodes = [each for each in nodes_of(loop) if isinstance(each, ast.Name)]
    set_inside = [each.id for each in nodes if isinstance(each.ctx, ast.Store)]
    once = all(set_inside.count(name) == (1 if name in rounds else 0) for name in read)
    return isinstance(test, ast.Compare) and bool(read & rounds) and once


def loops_beside(tree: ast.AST, called: set[int]) -> bool:
    """Whether a loop multiplies number by number by itself, whatever is called elsewhere.

    Args:
        tree: A cell.
        called: Identities of the calls in question. Inside two loops they get single numbers, as
            ``np.multiply(matrix[i, j], vector[j])`` does.
    """
    loops = [set(map(id, nodes_of(node))) for node in nodes_of(tree) if isinstance(node, LOOPS)]
    on_numbers = {one for one in called if sum(one in loop for loop in loops) > 1}
    multiplying = on_numbers | {id(node) for node in nodes_of(tree) if _multiplies(node)}
    return any(loop & multiplying and not loop & (called - on_numbers) for loop in loops)


def _multiplies(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Mult)


def loops_within_loops(cells: Iterable[ParsedCell], functions: Functions) -> Iterator[Where]:
    """Loops that go through rows and columns: with a loop inside, or through both by themselves.

    Comprehensions and `map` are loops as well, and so is what a function of the notebook loops over that is
    called inside one.
    """

    @cache
    def looping(name: str) -> bool:
        reached = functions.reached_from(functions.by_name[name]) if name in functions.by_name else []
        return any(_is_loop(node) for one in reached for node in nodes_of(one.node))

    for cell in cells:
        seen: set[int] = set()
        for node in nodes_of(cell.tree) if cell.tree is not None else ():
            if id(node) not in seen and _is_loop(node) and _is_double(node, looping):
                seen |= set(map(id, nodes_of(node)))
                yield Where(cell=cell.index, line=cell.line_of(node))


def _goes_through(node: ast.AST) -> bool:
    """Whether this is a loop, or calls a function that is one inside."""
    mapping = _MAPPING | _MAPPING_ARRAYS
    return isinstance(node, LOOPS) or (isinstance(node, ast.Call) and last_name(node.func) in mapping)


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, LOOPS) or (isinstance(node, ast.Call) and last_name(node.func) in _MAPPING)


def _is_double(loop: ast.AST, looping: Callable[[str], bool]) -> bool:
    """Whether a loop goes through two things; `looping` tells it of a function by its name."""
    if len(getattr(loop, "generators", ())) > 1:
        return True
    inside = [node for part in _repeated(loop) for node in nodes_of(part)]
    if any(_is_loop(node) or (isinstance(node, ast.Name) and looping(node.id)) for node in inside):
        return True
    around = [node for part in _gone_through(loop) for node in nodes_of(part)]
    pairs = any(isinstance(node, ast.Call) and last_name(node.func) in _PAIRING for node in around)
    return pairs or any(_takes_one_number(node) for node in inside)


def _repeated(loop: ast.AST) -> list[ast.AST]:
    """What a loop does again and again."""
    match loop:
        case ast.For() | ast.AsyncFor():
            return list(loop.body)
        case ast.While():
            return [loop.test, *loop.body]
        case ast.DictComp():
            return [loop.key, loop.value]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return [loop.elt]
        case ast.Call():
            return list(loop.args[:1])
    return []


def _gone_through(loop: ast.AST) -> list[ast.AST]:
    if isinstance(loop, ast.Call):
        return list(loop.args[1:])
    if isinstance(loop, ast.For | ast.AsyncFor):
        return [loop.iter]
    return [each.iter for each in getattr(loop, "generators", ())]


def _takes_one_number(node: ast.AST) -> bool:
    """Whether this is a number at two places that change: ``m[i, j]``, ``m[k // 4][k % 4]``."""
    indices: list[ast.expr] = []
    while isinstance(node, ast.Subscript):
        indices += node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        node = node.value
    return len(indices) > 1 and not any(isinstance(each, ast.Slice | ast.Constant) for each in indices)
