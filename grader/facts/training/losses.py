"""Loss functions by one name each, and where networks apply what a loss may apply itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from grader.evidence.training import LossUse, TrainingRun
from grader.facts.case import Case
from grader.facts.code.names import last_name
from grader.facts.code.source import ParsedCell
from grader.facts.definitions import classes_named
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.code import calls_in

__all__ = ["Squashing", "loss_name", "loss_of", "squashing_of", "width_of"]

_ALIASES = {
    "binarycrossentropy": "bce",
    "binarycrossentropywithlogits": "bcewithlogits",
}
#: Names of calls, in lower case without underscores, by what they make of scores.
_SQUASHING = {
    "probabilities": {"softmax": "softmax", "sigmoid": "sigmoid"},
    "log_probabilities": {"logsoftmax": "log-softmax", "logsigmoid": "log-sigmoid"},
}


@dataclass(frozen=True)
class Squashing:
    """A call that makes probabilities of scores.

    Attributes:
        name: ``softmax``, ``sigmoid``, ``log-softmax`` or ``log-sigmoid``.
    """

    name: str
    where: Where


def loss_name(function: str) -> str:
    """``crossentropy`` for ``CrossEntropyLoss`` and ``F.cross_entropy`` alike."""
    name = _plain(function.rsplit(".", 1)[-1]).removesuffix("loss")
    return _ALIASES.get(name, name)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def loss_of(run: TrainingRun) -> Fact[LossUse]:
    """The loss function of a run, and what the network fed into it."""
    if run.loss is None:
        return Unknown(f"no loss function was seen in the run of cell {run.cell}")
    if run.loss.input_kind == "unknown":
        return Unknown(f"what goes into {run.loss.function} in cell {run.cell} could not be traced")
    return Known(run.loss)


def width_of(loss: LossUse, by_class: bool) -> int | None:
    """Scores for each input; 1 where the batch is the only axis, and not squeezed away from a single image.

    Source: torch.nn.CrossEntropyLoss takes (C) with a target of () or (C), or (N, C), but no (N).
    """
    shape = loss.input_shape
    if not shape:
        return None
    if len(shape) == 1 and by_class:
        return shape[0]
    return 1 if len(shape) == 1 else shape[1] if len(shape) == 2 else None


def squashing_of(run: TrainingRun, case: Case) -> Squashing | None:
    """The one call in the class of a run's network that makes what went into the loss; None where unclear."""
    names = {} if run.loss is None else _SQUASHING.get(run.loss.input_kind, {})
    written = _class_of(run, case)
    if written is None:
        return None
    cell, node = written
    calls = [
        (call, names[name]) for call in calls_in(node) if (name := _plain(last_name(call.func))) in names
    ]
    built = {id(call) for method in _methods(node, "__init__") for call in calls_in(method)}
    applied = [pair for pair in calls if id(pair[0]) not in built] or calls
    if len(applied) != 1:
        return None
    call, name = applied[0]
    return Squashing(name, Where(cell=cell.index, line=cell.line_of(call)))


def _class_of(run: TrainingRun, case: Case) -> tuple[ParsedCell, ast.ClassDef] | None:
    """The class as it was last written before a run."""
    return next(iter(classes_named(case, run.model.class_name, run.cell)[-1:]), None)


def _methods(written: ast.ClassDef, name: str) -> Iterator[ast.FunctionDef]:
    for node in written.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            yield node
