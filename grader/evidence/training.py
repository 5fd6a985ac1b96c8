"""The training history of a notebook, as the recorder in the kernel saw it.

All of it is asserted by the student's interpreter: read through functions captured before the student's
code ran, yet never proof against an interpreter that lies.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from grader.evidence.base import Record

__all__ = [
    "DataSource",
    "EvaluationPass",
    "LossUse",
    "ModelIdentity",
    "Start",
    "TrainingHistory",
    "TrainingRun",
]


class ModelIdentity(Record):
    """Which network a run trained or an evaluation used.

    Attributes:
        token: Serial number of the Python object in this attempt, from 0; equal for the same object.
        class_name: Its class; ``None`` where parameters were optimised outside any module.
        names: Global variables bound to it at that moment.
        parameter_count: Trainable numbers in it.
        architecture: Layer types and hyperparameters in order, as text; equal for equal architectures.
    """

    token: int
    class_name: str | None
    names: tuple[str, ...] = ()
    parameter_count: int
    architecture: str = ""


class DataSource(Record):
    """What fed a pass: a data set, the part of it that the sampler picks, and how it is batched.

    Attributes:
        token: Serial number of the loader object, from 0.
        dataset_token: Serial number of the innermost data set; equal for the same object, and for data
            sets of one class read from the same folder and split with the same length.
        dataset: Class of the innermost data set (below Subset and ConcatDataset).
        split: ``train`` or ``test`` where the data set says so itself (torchvision's ``train=`` flag, or
            a folder named so), else None.
        root: Last part of the folder it was read from, if any.
        length: Items of the innermost data set.
        sampled: Items that one full pass would take.
        index_digest: SHA-256 over the sorted indices picked, None where they cannot be listed.
        index_low, index_high: Smallest and largest index picked.
        overlap: Share of these items also picked by each earlier source of the same innermost data set,
            as (token, share); only shares above 0.
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
    index_low: int | None = None
    index_high: int | None = None
    overlap: tuple[tuple[int, float], ...] = ()
    batch_size: int | None = None
    names: tuple[str, ...] = ()


class LossUse(Record):
    """How a loss function was used by a run.

    Attributes:
        function: Class or function name, as ``BCEWithLogitsLoss``, ``cross_entropy``.
        input_shape, target_shape: Of its first call.
        input_kind: What fed it: ``probabilities`` where the last operation was a sigmoid or softmax,
            ``log_probabilities`` after log_softmax or logsigmoid, else ``logits``; ``unknown`` where it
            could not be traced.
        calls: Times it was called for this run with gradients on.
    """

    function: str
    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...] = ()
    target_dtype: str = ""
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
    """

    determined: bool
    carried_share: float = 0.0
    identity_share: float = 0.0
    carried_from: int | None = None
    reloaded_initial: bool = False
    why: str = ""


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
        batch_sizes: Distinct sizes of the batches that went into the loss, largest first.
        passes: Passes begun over the training data (epochs).
        passes_cut: Passes that the training budget ended early.
        steps: Optimizer steps.
        losses: Value of the training loss per pass (mean over its steps), oldest first.
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
    passes: int = 0
    passes_cut: int = 0
    steps: int = 0
    losses: tuple[float, ...] = Field(default=(), max_length=1000)
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
    batches: int = 0


class TrainingHistory(Record):
    """All training runs, evaluation passes and data sources of one attempt.

    Attributes:
        complete: False where the recorder was tampered with, removed or overflowed; `notes` say how.

    The lengths are twice what the recorder keeps: more comes from forgers only, and costs memory.
    """

    runs: tuple[TrainingRun, ...] = Field(default=(), max_length=1000)
    evaluations: tuple[EvaluationPass, ...] = Field(default=(), max_length=4000)
    sources: tuple[DataSource, ...] = Field(default=(), max_length=1000)
    complete: bool = True
    notes: tuple[str, ...] = Field(default=(), max_length=200)
