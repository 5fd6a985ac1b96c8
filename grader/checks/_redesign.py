"""Whether trained networks differ in how they are built, as far as the record and the source tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Literal

from grader.checks._source import parsed_cells
from grader.evidence.training import TrainingRun
from grader.rubric.case import Case

__all__ = ["redesigned"]


def redesigned(runs: Sequence[TrainingRun], case: Case) -> Literal["yes", "no", "unsure"]:
    """Whether at least two different networks are among these runs.

    The record lists modules. A functional layer, or a depth chosen in ``forward``, is not in it, so equal
    lists prove nothing where there are two classes, or one that takes arguments or was written again.
    """
    if len({run.model.architecture for run in runs}) > 1:
        return "yes"
    classes = {run.model.class_name for run in runs}
    if len(classes) > 1 or None in classes or any(not run.model.architecture for run in runs):
        return "unsure"
    return "unsure" if any(_may_differ(str(name), case) for name in classes) else "no"


def _may_differ(class_name: str, case: Case) -> bool:
    """Whether two objects of one class with equal modules may compute in different ways."""
    written = [node for node in _classes(case) if node.name == class_name]
    if not written:
        return class_name != "Sequential"
    return len(written) > 1 or _takes_arguments(written[0])


def _classes(case: Case) -> Iterator[ast.ClassDef]:
    for parsed in parsed_cells(case.evidence.cells):
        for node in ast.walk(parsed.tree) if parsed.tree is not None else ():
            if isinstance(node, ast.ClassDef):
                yield node


def _takes_arguments(written: ast.ClassDef) -> bool:
    for node in written.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            given = node.args
            count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
            return count > 1 or given.vararg is not None or given.kwarg is not None
    return False
