"""Loss functions by one name each, and what went into them."""

from __future__ import annotations

from grader.evidence.training import LossUse, TrainingRun
from grader.facts.known import Fact, Known, Unknown

__all__ = ["loss_name", "loss_of", "plain", "width_of"]

_ALIASES = {
    "binarycrossentropy": "bce",
    "binarycrossentropywithlogits": "bcewithlogits",
}


def loss_name(function: str) -> str:
    """``crossentropy`` for ``CrossEntropyLoss`` and ``F.cross_entropy`` alike."""
    name = plain(function.rsplit(".", 1)[-1]).removesuffix("loss")
    return _ALIASES.get(name, name)


def plain(name: str) -> str:
    """In lower case without underscores, as classes and functions of one meaning are called alike."""
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
