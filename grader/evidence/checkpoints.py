"""Weights in files: which one was written by which training, and which network got them back."""

from __future__ import annotations

from pydantic import Field

from grader.evidence.base import Record

__all__ = ["MOST_CHECKPOINTS", "CheckpointLoaded", "CheckpointSaved", "Checkpoints"]

#: Files of each kind that are kept of one cell.
MOST_CHECKPOINTS = 2_000


class CheckpointSaved(Record):
    """A file that ``torch.save`` wrote.

    Attributes:
        path: Relative to the work folder where it is below it.
        run: The training whose parameters are in it; None where it holds those of none that was seen.
        epoch: Passes over the training data that this training had begun by then, from 1.
    """

    path: str
    cell: int
    run: int | None = None
    epoch: int | None = None


class CheckpointLoaded(Record):
    """A file that ``torch.load`` read.

    Attributes:
        path: As of `CheckpointSaved`.
        line: Line of the cell, from 1, that led to it.
        saved_in: Cell that wrote this very path before; None where the notebook did not.
        run, epoch: Of what was written there last.
        class_name: Class of the network that got the weights, or that the file itself holds; None where none
            was seen to get them.
        names: Variables bound to that network at the end of the cell.
    """

    path: str
    cell: int
    line: int | None = None
    saved_in: int | None = None
    run: int | None = None
    epoch: int | None = None
    class_name: str | None = None
    names: tuple[str, ...] = Field(default=(), max_length=64)


class Checkpoints(Record):
    """What one attempt wrote and read, in order."""

    saved: tuple[CheckpointSaved, ...] = Field(default=(), max_length=20_000)
    loaded: tuple[CheckpointLoaded, ...] = Field(default=(), max_length=20_000)
