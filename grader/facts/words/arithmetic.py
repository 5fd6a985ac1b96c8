"""Numbers that a student wrote as a sum or product and did not work out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, combinations
from typing import Any

__all__ = ["arithmetic_in", "shapes_in", "sums_of", "worked_out"]

_LONGEST_TEXT = 200
#: The comma of ``9,000``, but not that of ``(10, 30)``.
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_LONGEST_ANSWER = 20_000
_MOST_TERMS, _MOST_NUMBERS = 4, 12
_LONGEST_ROW = 60
_LATEX_TIMES = re.compile(r"\\(?:times|cdot|\*)")
#: A number may not begin inside another one, which also keeps long rows of digits from costing time.
_ARITHMETIC = re.compile(r"(?<![\w.,])\(?\d[\d,.]*\)?(?:[ \t]*[-+*x×·X][ \t]*\(?\d[\d,.]*\)?)+(?!\w)")
_SHAPE = re.compile(r"[\[(]\s*(\d{1,9}(?:\s*,\s*\d{1,9})+)\s*,?\s*[\])]")
_TIMES = re.compile(r"(?<=[\d)])\s*[x×·X]\s*(?=[\d(])")


def worked_out(text: str) -> Any:
    """The number, or list of numbers, that a text gives: ``125``, ``9,000``, ``5 x 5 x 5``, ``(5, 5, 5)``.

    Of ``5*5*5 = 125`` the last part counts.

    Returns:
        None for anything else, powers and divisions included.
    """
    if len(text) > _LONGEST_TEXT:
        return None
    plain = _TIMES.sub("*", _THOUSANDS.sub("", text.strip()))
    try:
        return _value(ast.parse(plain.rpartition("=")[2].strip(), mode="eval").body)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def arithmetic_in(text: str) -> tuple[float, ...]:
    """What sums and products in running text come to: ``130 x 150 x 3``, ``3*3*3*5 + 5``."""
    found = _ARITHMETIC.findall(_LATEX_TIMES.sub("*", text[:_LONGEST_ANSWER]))
    values = (worked_out(each.rstrip(".,")) for each in found)
    return tuple(float(value) for value in values if isinstance(value, int | float) and abs(value) < 1e300)


def sums_of(numbers: Sequence[float]) -> Iterable[float]:
    """Sums of two to four of the first dozen numbers, and of rows of them, as of an answer's parts."""
    for terms in range(2, _MOST_TERMS + 1):
        yield from (sum(chosen) for chosen in combinations(numbers[:_MOST_NUMBERS], terms))
    for first in range(min(len(numbers), _LONGEST_ROW)):
        yield from accumulate(numbers[first:_LONGEST_ROW])


def shapes_in(text: str) -> list[tuple[int, ...]]:
    """Shapes as they are printed: ``[130, 150, 3]``, ``(3, 4)``."""
    found = _SHAPE.findall(text[:_LONGEST_ANSWER])
    return [tuple(int(side) for side in each.split(",")) for each in found]


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple | ast.List):
        return [_value(item) for item in node.elts]
    return _number(node)


def _number(node: ast.expr) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub()):
            return -_number(node.operand)
        case ast.BinOp(op=ast.Mult()):
            return _number(node.left) * _number(node.right)
        case ast.BinOp(op=ast.Add()):
            return _number(node.left) + _number(node.right)
        case ast.BinOp(op=ast.Sub()):
            return _number(node.left) - _number(node.right)
    raise ValueError("no number")
