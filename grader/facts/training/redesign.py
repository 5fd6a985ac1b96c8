"""Whether trained networks differ in how they are built, as far as the record and the source tell."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of
from grader.facts.definitions import classes_named
from grader.facts.known import Fact, Known, Unknown

__all__ = ["redesigned"]

_UNLISTED = "functional layers, and what `forward` does with the layers, are not in the record"


def redesigned(runs: Sequence[TrainingRun], case: Case) -> Fact[bool]:
    """Whether at least two different networks are among these runs.

    The record lists modules. A functional layer, or a depth chosen in ``forward``, is not in it, so equal
    lists prove nothing where there are two classes, or one that was written again or takes arguments. An
    argument that is kept and never read, as a name for files, changes nothing.
    """
    history = case.evidence.training
    lists = [history.layers_of(run.model) for run in runs]
    known = [each for each in lists if each is not None]
    alike = {known[0].same_as(each) for each in known[1:]}
    if False in alike or (known and len(known) < len(lists)):
        return Known(True)
    if None in alike:
        return Unknown("not all layers of these networks are in the record")
    classes = {run.model.class_name for run in runs}
    if len(classes) > 1 or None in classes or not known:
        return Unknown(_UNLISTED)
    return Unknown(_UNLISTED) if any(_may_differ(str(name), case) for name in classes) else Known(False)


def _may_differ(class_name: str, case: Case) -> bool:
    """Whether two objects of one class with equal modules may compute in different ways."""
    written = [node for _, node in classes_named(case, class_name)]
    if not written:
        return class_name != "Sequential"
    return len(written) > 1 or _takes_arguments(written[0])


def _takes_arguments(written: ast.ClassDef) -> bool:
    """Whether the class takes arguments that may change what it computes."""
    for node in written.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            given = node.args
            names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            if given.vararg is not None or given.kwarg is not None:
                return True
            return any(not _is_kept_only(name, names[0], node, written) for name in names[1:])
    return False


def _is_kept_only(name: str, own: str, init: ast.FunctionDef, written: ast.ClassDef) -> bool:
    """Whether an argument goes nowhere but into attributes of the object that its class never reads.

    What a class of the student's own reads that this one is derived from is not known.
    """
    stored: set[str] = set()
    kept: set[ast.AST] = set()
    for node in nodes_of(init):
        match node:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=base), attr=attribute)],
                value=ast.Name(id=given) as value,
            ) if (base, given) == (own, name):
                stored.add(attribute)
                kept.add(value)
    uses = {node for node in nodes_of(init) if isinstance(node, ast.Name) and node.id == name}
    return bool(stored) and uses == kept and _is_plain(written) and not _is_read(written, stored)


def _is_plain(written: ast.ClassDef) -> bool:
    """Whether a class is derived from ``nn.Module`` alone."""
    return [last_name(base) for base in written.bases] == ["Module"]


def _is_read(written: ast.ClassDef, attributes: set[str]) -> bool:
    """Whether a class may read one of these attributes: by name, by a text, or all at once."""
    for node in nodes_of(written):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()) | ast.Constant(value=str(name)):
                if name in attributes or name == "__dict__":
                    return True
            case ast.Name(id="vars" | "getattr"):
                return True
    return False
