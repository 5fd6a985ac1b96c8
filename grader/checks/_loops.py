"""Work that is written out in loops, although a library function is called near it."""

from __future__ import annotations

import ast

from grader.checks._functions import LOOPS

__all__ = ["loops_beside"]


def loops_beside(tree: ast.AST, called: set[int]) -> bool:
    """Whether a loop multiplies number by number by itself, whatever is called elsewhere.

    Args:
        tree: A cell.
        called: Identities of the calls in question. Inside two loops they get single numbers, as
            ``np.multiply(matrix[i, j], vector[j])`` does.
    """
    loops = [set(map(id, ast.walk(node))) for node in ast.walk(tree) if isinstance(node, LOOPS)]
    on_numbers = {one for one in called if sum(one in loop for loop in loops) > 1}
    multiplying = on_numbers | {id(node) for node in ast.walk(tree) if _multiplies(node)}
    return any(loop & multiplying and not loop & (called - on_numbers) for loop in loops)


def _multiplies(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Mult)
