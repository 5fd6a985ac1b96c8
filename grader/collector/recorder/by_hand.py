"""Training without a torch optimizer, seen by what backward passes and values around a cell tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import nn

from grader.collector.networks import is_trainable, parameters
from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.fingerprint import Snapshot, take
from grader.collector.recorder.passes import Pass

__all__ = ["ByHand", "Update"]

#: Frames that are held of each level; one training by more calls is a step each.
_MOST_CALLS = 1000


@dataclass(eq=False)
class Update:
    """Backward passes through one network in one cell that no optimizer step followed.

    Attributes:
        callers: Functions that the cell called and that led to them: the frame of each, with how many of the
            passes came from it; frames are held, so that no two of them are taken for one.
        within: The same for what these functions called in their turn.
    """

    model: nn.Module
    place: Place
    during: Pass | None
    trained: tuple[torch.Tensor, ...]
    before: Snapshot
    backwards: int = 0
    callers: list[list[Any]] = field(default_factory=list)
    within: list[list[Any]] = field(default_factory=list)

    @property
    def several(self) -> bool:
        """Whether one record stands for several trainings, perhaps.

        A function that is called once for each batch is a step of one.
        """
        return any(sum(count > 1 for _, count in calls) > 1 for calls in (self.callers, self.within))

    def backward(self, frames: Sequence[FrameType]) -> None:
        self.backwards += 1
        for known, frame in zip((self.callers, self.within), frames, strict=False):
            if known and known[-1][0] is frame:
                known[-1][1] += 1
            elif len(known) < _MOST_CALLS:
                known.append([frame, 1])


class ByHand:
    """Collects updates of the running cell; networks are held until the cell ends."""

    def __init__(self) -> None:
        self._updates: list[Update] = []
        self._optimised: list[torch.Tensor] = []

    def backward(self, model: nn.Module, cells: Cells, during: Pass | None) -> None:
        """Notes a backward pass; the first one in a cell reads the network's values."""
        known = next((update for update in self._updates if update.model is model), None)
        if known is None:
            trained = tuple(tensor for _, tensor in parameters(model) if is_trainable(tensor))
            known = Update(model, cells.place(), during, trained, take(trained))
            self._updates.append(known)
        known.backward(cells.callers())

    def optimised(self, trained: Sequence[torch.Tensor]) -> None:
        """Notes that a torch optimizer updates these parameters in this cell."""
        self._optimised.extend(trained)

    def end_cell(self) -> list[tuple[Update, Snapshot]]:
        """Gives the networks whose values changed although no optimizer updated them, and their values."""
        optimised = {id(tensor) for tensor in self._optimised}  # ids are safe: both lists hold the objects
        changed = []
        for update in self._updates:
            if not optimised.intersection(id(tensor) for tensor in update.trained):
                after = take(update.trained)
                if not after.equals(update.before):
                    changed.append((update, after))
        self._updates, self._optimised = [], []
        return changed
