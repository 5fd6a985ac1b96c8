"""Signs in a notebook's own source that it reaches for the machinery that measures it.

Facts about networks and training are asserted by the student's interpreter, which whoever owns it can make
lie. What does so has to name our code, the kernel's inside, or other people's frames and objects: no lab asks
for any of that. A sign costs nothing; it sends the notebook to a TA before its points count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.checks._source import ParsedCell, parsed_cells
from grader.evidence.record import CellRecord
from grader.rubric.model import Judgement, Status, Where

__all__ = ["Sign", "held_back", "signs_of_tampering"]

Sign = tuple[Where, str]

_MOST_SIGNS = 20

#: Modules that read or change what belongs to the running program rather than to the notebook.
_MODULES = frozenset({"_ctypes", "ctypes", "grader"})

#: Attributes and functions, by the last part of their dotted name.
_NAMES = frozenset({
    "_current_frames", "_getframe", "_global_optimizer_post_hooks", "_global_optimizer_pre_hooks", "_graded",
    "ast_transformers", "currentframe", "f_back", "f_locals", "get_objects", "get_referrers", "iopub_socket",
    "run_cell_async", "setprofile", "settrace", "shell_handlers", "shell_stream", "shell_streams",
})  # fmt: skip
#: Those that may be read, and not replaced.
_NOT_ASSIGNED = frozenset({"__code__", "__defaults__", "__globals__"})
_IN_TEXT = ("grader.collector", "grader.evidence", "grader_request", "/proc/self/mem")


def signs_of_tampering(cells: tuple[CellRecord, ...]) -> tuple[Sign, ...]:
    """Places where a notebook names what only somebody who forges would need.

    Returns:
        Cell and line, and what stands there; empty for ordinary notebooks. Code that is put together at run
        time cannot be seen through, so this is no proof of the contrary.
    """
    found = [sign for cell in parsed_cells(cells) for sign in _in_cell(cell)]
    return tuple(dict.fromkeys(found))[:_MOST_SIGNS]


def held_back(judgement: Judgement, signs: tuple[Sign, ...]) -> Judgement:
    """The judgement with what it earned waiting for a TA; what was lost or open before stays so."""
    if not signs or judgement.share == 0.0:
        return judgement
    where, name = signs[0]
    return judgement.model_copy(
        update={
            "status": Status.NEEDS_TA,
            "share": 0.0,
            "open_share": min(1.0, judgement.share + judgement.open_share),
            "message": f"{judgement.message} A TA looks at this notebook before its points count: cell"
            f" {where.cell} uses `{name}`, with which measurements could be changed.",
            "where": (*judgement.where, *(place for place, _ in signs)),
        }
    )


def _in_cell(cell: ParsedCell) -> Iterator[Sign]:
    if cell.tree is None:
        return
    for node in ast.walk(cell.tree):
        name = _suspicious(node)
        if name:
            yield Where(cell=cell.index, line=cell.line_of(node)), name


def _suspicious(node: ast.AST) -> str:
    """The name that a node should not need; empty for all others."""
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        return node.attr
    if isinstance(node, ast.Attribute) and node.attr in _NOT_ASSIGNED and isinstance(node.ctx, ast.Store):
        return node.attr
    if isinstance(node, ast.Attribute) and node.attr == "kernel" and _is_shell(node.value):
        return "get_ipython().kernel"
    if isinstance(node, ast.Import):
        return next((alias.name for alias in node.names if _root(alias.name) in _MODULES), "")
    if isinstance(node, ast.ImportFrom) and node.module:
        names = {alias.name for alias in node.names}
        return node.module if _root(node.module) in _MODULES else next(iter(sorted(names & _NAMES)), "")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return next((text for text in _IN_TEXT if text in node.value), "")
    return ""


def _root(module: str) -> str:
    return module.partition(".")[0]


def _is_shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"
