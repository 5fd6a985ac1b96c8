"""A package that the sandbox lacks costs what uses it, and not the rest of its cell.

An import cell names ten packages at once. Where one of them is missing, its names become stand-ins that
raise `MissingPackage` on every use, and the cell goes on with its next statement, as a notebook does that
has one cell for each. So it does behind ``from missing import *``, whose names stay unknown.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from grader.collector.missing_package import MissingPackage, StandIn
from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_MOST_NAMES = 200


def install(context: Context) -> None:
    """Lets a cell go on behind a statement that ended for want of a package."""
    shell = context.shell
    context.patches.replace(shell, "run_code", _going_on(context, shell.run_code))


def _going_on(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    async def run_code(code_obj: CodeType, result: Any = None, *, async_: bool = False) -> bool:
        failed = await original(code_obj, result, async_=async_)
        error = result.error_in_exec if failed and result is not None else None
        if not isinstance(error, ModuleNotFoundError):
            return bool(failed)
        package = (error.name or "").partition(".")[0]
        if not package or package in sys.stdlib_module_names or package in sys.modules:
            return True
        if not isinstance(error, MissingPackage):
            names = _names_for(code_obj, context.namespace)
            if not names and not _takes_all(code_obj):
                return True
            context.namespace.update(dict.fromkeys(names, StandIn(package)))
        context.log.note(ShimKind.MISSING_PACKAGE, package)
        return False

    return run_code


def _names_for(code: CodeType, namespace: dict[str, Any]) -> list[str]:
    """Names that the failed statement's imports would have bound and that nothing else holds."""
    names = [name for node in _statements(code) for name in _bound_by_imports(node)]
    return [name for name in dict.fromkeys(names) if name not in namespace][:_MOST_NAMES]


def _takes_all(code: CodeType) -> bool:
    """Whether the failed statement takes all names of a module, which nobody here can tell."""
    return any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in _statements(code))


def _statements(code: CodeType) -> list[ast.stmt]:
    """The statements of the cell that begin where this code does."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [node for node in tree.body if node.lineno == code.co_firstlineno]


def _bound_by_imports(statement: ast.stmt) -> Iterator[str]:
    """Names of imports that stand in no function or class of their own, as ``try: import x`` does."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        node = nodes.pop(0)
        if isinstance(node, ast.Import):
            yield from (each.asname or each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (each.asname or each.name for each in node.names if each.name != "*")
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            nodes.extend(ast.iter_child_nodes(node))
