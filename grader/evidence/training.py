"""The training history of a notebook, as the recorder in the kernel saw it.

Where a list was cut the record says so, and what was cut is not known: two networks whose lists of layers are
cut are neither equal nor different but by the digests of the whole lists.

All of it is asserted by the student's interpreter: read through functions captured before the student's
code ran, yet never proof against an interpreter that lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from grader.evidence.base import Record

__all__ = [
    "DataSource",
    "EvaluationPass",
    "LayerList",
    "LayerSetting",
    "LossUse",
    "ModelIdentity",
    "RegisteredLayer",
    "Start",
    "TrainingHistory",
    "TrainingRun",
    "digest_of_layers",
]

_Plain = bool | int | float | str | None
#: What a layer's attribute holds; what is no plain value is told by its type's name.
LayerSetting = _Plain | tuple[_Plain, ...]


class RegisteredLayer(Record):
    """A leaf module of a network, in order of registration, used in a forward pass or not.

    Attributes:
        path: Attribute path, as ``features.0``; empty for a network that is itself one layer.
        type: Class name in torch.nn, or the student's own class.
        settings: ``in_channels``, ``kernel_size``, ... of a layer of torch.
        parameters: Shapes of its own parameters by name.
    """

    path: str
    type: str
    settings: dict[str, LayerSetting] = Field(default_factory=dict)
    parameters: dict[str, tuple[int, ...]] = Field(default_factory=dict)


class LayerList(Record):
    """The layers of one network, or of several that are built alike.

    Attributes:
        layers: The first of them.
        digest: SHA-256 in hex over all of them; None where not all could be seen.
        cut: There are more than `layers` lists; which ones is not known.
    """

    layers: tuple[RegisteredLayer, ...] = Field(default=(), max_length=4000)
    digest: str | None = None
    cut: bool = False

    def same_as(self, other: LayerList) -> bool | None:
        """Whether two networks are built alike; None where what was cut decides."""
        if self.digest is not None and other.digest is not None:
            return self.digest == other.digest
        both = zip(self.layers, other.layers, strict=False)
        longer = max(self, other, key=lambda each: len(each.layers))
        shorter = other if longer is self else self
        beyond = not shorter.cut and len(longer.layers) > len(shorter.layers)
        return False if beyond or any(mine != theirs for mine, theirs in both) else None


def digest_of_layers(layers: Sequence[RegisteredLayer]) -> str:
    """SHA-256 in hex over a whole list; each layer is written as JSON on a line of its own."""
    whole = hashlib.sha256()
    for layer in layers:
        whole.update(layer.model_dump_json().encode() + b"\n")
    return whole.hexdigest()


class ModelIdentity(Record):
    """Which network a run trained or an evaluation used.

    Attributes:
        token: Serial number of the Python object in this attempt, from 0; equal for the same object, and for
            what stands around it and has no parameters besides, as ``DataParallel(net)``.
        class_name: Its class, below wrappers of torch's; ``None`` where parameters were optimised outside any
            module.
        names: Global variables bound to it, or to what has the same parameters, at that moment.
        also: Classes of what has the same parameters, around it or inside.
        parameter_count: Trainable numbers in it.
        layers: Position of its layers in `TrainingHistory.layer_lists`; None where no network owns the
            parameters.
    """

    token: int
    class_name: str | None
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    parameter_count: int
    layers: int | None = Field(default=None, ge=0)


class DataSource(Record):
    """What fed a pass: a data set, the part of it that the sampler picks, and how it is batched.

    Loaders that are built anew and alike, as one for each epoch, share one.

    Attributes:
        token: Serial number, from 0; equal for loaders that agree in all below.
        dataset_token: Serial number of the innermost data set; equal for the same object, and for data
            sets of one class read from the same folder and split with the same length.
        dataset: Class of the innermost data set (below Subset and ConcatDataset).
        split: ``train`` or ``test`` where the data set says so itself (torchvision's ``train=`` flag, or
            a folder named so), else None.
        root: Last part of the folder it was read from, if any.
        length: Items of the innermost data set.
        sampled: Items that one full pass would take.
        index_digest: SHA-256 over the sorted indices picked, None where they cannot be listed.
        overlap: Share of these items also picked by each earlier source of the same innermost data set,
            as (token, share); only shares above 0. None where it was not worked out.
        batch_size: As given to the loader.
        names: Global and local variables bound to the loader, or attribute names, at its first pass.
    """

    token: int
    dataset_token: int
    dataset: str
    split: Literal["train", "test"] | None = None
    root: str | None = None
    length: int | None = None
    sampled: int | None = None
    index_digest: str | None = None
    overlap: tuple[tuple[int, float], ...] | None = Field(default=(), max_length=1000)
    batch_size: int | None = None
    names: tuple[str, ...] = ()


class LossUse(Record):
    """How a loss function was used by a run.

    Attributes:
        function: Class or function name, as ``BCEWithLogitsLoss``, ``cross_entropy``.
        input_shape: Of its first call.
        input_kind: What fed it: ``probabilities`` after a sigmoid or softmax, ``log_probabilities`` after
            log_softmax or logsigmoid, also where one of them is written out and the values show it;
            ``logits`` where they come from a layer with nothing between that may squash them; else
            ``unknown``.
        calls: Times it was called for this run with gradients on.
    """

    function: str
    input_shape: tuple[int, ...]
    input_kind: Literal["logits", "probabilities", "log_probabilities", "unknown"] = "unknown"
    calls: int = Field(default=1, ge=0)


class Start(Record):
    """What a run's parameters were at its first step, compared by value with where earlier runs ended.

    Attributes:
        determined: False where the comparison could not be made; `why` says why.
        carried_share: Share of trainable parameter tensors equal to those at the end of `carried_from`.
        identity_share: Share of parameter tensors that are the same Python objects as in that run.
        carried_from: Index of the earlier run; None where nothing was carried.
        reloaded_initial: The values equal those at the *first* step of an earlier run (re-created with the
            same seed, or initial state loaded again): fresh, not carried.
        resembles: What else says that the weights which equal no trained ones are such all the same, where
            `carried_share` is above 0; empty for nothing.
    """

    determined: bool
    carried_share: float = 0.0
    identity_share: float = 0.0
    carried_from: int | None = None
    reloaded_initial: bool = False
    why: str = ""
    resembles: str = ""


class TrainingRun(Record):
    """One training run: from the first step of an optimizer (or its edited hyperparameters) on.

    Attributes:
        index: From 0, in order of the first step.
        order: Position among all runs and evaluation passes of the attempt.
        cell: Cell in which the first step happened, counted over all cells of the file.
        line: Line of that cell, from 1, that led to the first step; None where unknown.
        last_cell: Cell of the latest step.
        method: ``optimizer`` for torch optimizers, ``by_hand`` for updates seen only by fingerprints.
        hyperparameters: Of the first parameter group: lr, momentum, weight_decay, ...
        batch_sizes: Distinct sizes of the batches that went into the loss, largest first; the smallest are
            left out where `batch_sizes_cut` says so.
        passes: Passes begun over the training data (epochs).
        passes_cut: Passes that the training budget ended early.
        steps: Optimizer steps.
        losses: Value of the training loss per pass (mean over its steps), oldest first.
        losses_cut: There were more: neighbours before the last one were averaged, or steps left out of a
            mean.
        source: Token of the DataSource that fed the steps.
    """

    index: int
    order: int
    cell: int | None
    line: int | None = None
    last_cell: int | None = None
    method: Literal["optimizer", "by_hand"] = "optimizer"
    optimizer: str | None = None
    hyperparameters: dict[str, float | bool | str | None] = Field(default_factory=dict)
    batch_sizes: tuple[int, ...] = ()
    batch_sizes_cut: bool = False
    passes: int = 0
    passes_cut: int = 0
    steps: int = 0
    losses: tuple[float, ...] = Field(default=(), max_length=1000)
    losses_cut: bool = False
    loss: LossUse | None = None
    model: ModelIdentity
    source: int | None = None
    start: Start


class EvaluationPass(Record):
    """A pass over data without optimizer steps, in which a network was applied.

    Attributes:
        order: Position among all runs and passes.
        after_run: Index of the latest training run begun before it, None where there was none.
        passes: Equal passes in a row that this record stands for (one after each epoch, say).
    """

    order: int
    cell: int | None
    line: int | None = None
    model: ModelIdentity | None
    source: int
    after_run: int | None = None
    passes: int = 1


class TrainingHistory(Record):
    """All training runs, evaluation passes and data sources of one attempt.

    Attributes:
        layer_lists: Of the networks in runs and evaluations; networks that are built alike share one.
        complete: False where the recorder was tampered with, removed or overflowed; `notes` say how.

    The lengths are twice what the recorder keeps: more comes from forgers only, and costs memory.
    """

    runs: tuple[TrainingRun, ...] = Field(default=(), max_length=1000)
    evaluations: tuple[EvaluationPass, ...] = Field(default=(), max_length=4000)
    sources: tuple[DataSource, ...] = Field(default=(), max_length=8000)
    layer_lists: tuple[LayerList, ...] = Field(default=(), max_length=6000)
    complete: bool = True
    notes: tuple[str, ...] = Field(default=(), max_length=200)

    def layers_of(self, model: ModelIdentity) -> LayerList | None:
        """What is known of how a network is built; None where nothing was recorded."""
        if model.layers is None or model.layers >= len(self.layer_lists):
            return None
        return self.layer_lists[model.layers]
