"""Lines in which a function prints what it was to return, and what to write there."""

from __future__ import annotations

import ast

from grader.facts.code.functions import Written
from grader.facts.code.source import nodes_of
from grader.facts.fields import Where

__all__ = ["is_print", "mended_print", "printing_places", "returns_a_print", "spells_a_value"]

_LONGEST_SHOWN = 60


def printing_places(written: Written) -> tuple[Where, ...]:
    """All lines with ``return print(...)``; where there are none, those that print an answer."""
    return tuple(dict.fromkeys(written.where(node) for node in _printing(written)))


def returns_a_print(written: Written) -> bool:
    """Whether a function has ``return print(...)``, which gives None."""
    return any(isinstance(node, ast.Return) for node in _printing(written))


def mended_print(written: Written) -> str:
    """How to write the first of these lines; empty where there is none."""
    for node in _printing(written)[:1]:
        call = node.value if isinstance(node, ast.Return) else node
        value = _printed_value(call) if isinstance(call, ast.Call) else ""
        if not value or len(ast.unparse(node)) > _LONGEST_SHOWN:
            return "Write `return` with the value itself in place of `print`."
        keyword = "" if isinstance(written.node, ast.Lambda) else "return "
        return f"Write `{keyword}{value}` in place of `{ast.unparse(node)}`."
    return ""


def is_print(node: ast.AST | None) -> bool:
    """Whether this is a call of the function `print`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def spells_a_value(text: str) -> bool:
    """Whether a text is what Python shows of a value that is no text: ``True``, ``[7, 2]``."""
    try:
        return not isinstance(ast.literal_eval(text.strip()[:200]), str)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False


def _printing(written: Written) -> list[ast.Return] | list[ast.Call]:
    nodes = list(nodes_of(written.node))
    returned = [node for node in nodes if isinstance(node, ast.Return) and is_print(node.value)]
    if returned:
        return sorted(returned, key=lambda node: node.lineno)
    calls = [node for node in nodes if isinstance(node, ast.Call) and is_print(node)]
    answers = [call for call in calls if not _is_message(call)]
    return sorted(answers or calls, key=lambda node: node.lineno)


def _is_message(call: ast.Call) -> bool:
    """Whether a call prints nothing but words, as ``print("Invalid input")``."""
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return len(texts) == len(call.args) and not any(spells_a_value(text) for text in texts)


def _printed_value(call: ast.Call) -> str:
    """The one thing that a call prints, as code; of a text that spells a value the value."""
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred | ast.JoinedStr):
        return ""
    value = call.args[0]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value.strip() if spells_a_value(value.value) else ""
    return ast.unparse(value)
