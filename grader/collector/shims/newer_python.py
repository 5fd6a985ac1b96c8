"""Cells in the syntax of Colab's Python, which may be newer than the sandbox's."""

from __future__ import annotations

import ast
import warnings

from grader.collector.shims.context import Context
from grader.evidence.newer_syntax import as_older_python
from grader.evidence.record import ShimKind

__all__ = ["install"]


def install(context: Context) -> None:
    """Has f-strings of Python 3.12 read by an older one; other cells are left as they are."""

    def readable(lines: list[str]) -> list[str]:
        source = "".join(lines)
        if _is_read(source):
            return lines
        older = as_older_python(source)
        if older is None:
            return lines
        context.log.note(ShimKind.NEWER_PYTHON, "f-strings of Python 3.12 were read by an older one")
        return older.splitlines(keepends=True)

    transformers = context.shell.input_transformers_post
    transformers.append(readable)
    context.undo.append(lambda: transformers.remove(readable))


def _is_read(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
