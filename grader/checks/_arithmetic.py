"""Numbers that a student wrote as a sum or product and did not work out."""

from __future__ import annotations

import ast
import re
from typing import Any

__all__ = ["worked_out"]

_LONGEST_TEXT = 200
#: The comma of ``9,000``, but not that of ``(10, 30)``.
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
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
