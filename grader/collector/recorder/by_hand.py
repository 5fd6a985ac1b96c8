"""Training without a torch optimizer, seen by what backward passes and values around a cell tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import torch
from torch import nn

from grader.collector.networks import is_trainable, parameters
from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.fingerprint import Snapshot, take
from grader.collector.recorder.functions import Trace
from grader.collector.recorder.passes import Pass

__all__ = ["ByHand", "Update"]


@dataclass
class Calls:
    """Calls of functions that backward passes came from, one after another.

    Only the latest frame is held, so that the next is not taken for it: a frame keeps its batch and its loss.

    Attributes:
        repeated: Calls with more than one pass; a function that is called for each batch has one.
    """

    repeated: int = 0
    _frame: FrameType | None = None
    _passes: int = 0

    def note(self, frame: FrameType) -> None:
        self._passes = self._passes + 1 if frame is self._frame else 1
        self._frame = frame
        self.repeated += self._passes == 2


@dataclass(eq=False)
class Update:
    """Backward passes through one network in one cell that no optimizer step followed.

    Attributes:
        trace: What the network computed before; None where that is not known.
        callers: Of functions that the cell called.
        within: Of what these functions called in their turn.
    """

    model: nn.Module
    place: Place
    during: Pass | None
    trained: tuple[torch.Tensor, ...]
    before: Snapshot
    trace: Trace | None = None
    backwards: int = 0
    callers: Calls = field(default_factory=Calls)
    within: Calls = field(default_factory=Calls)

    @property
    def several(self) -> bool:
        """Whether one record stands for several trainings, perhaps."""
        return self.callers.repeated > 1 or self.within.repeated > 1

    def backward(self, frames: Sequence[FrameType]) -> None:
        self.backwards += 1
        for calls, frame in zip((self.callers, self.within), frames, strict=False):
            calls.note(frame)


class ByHand:
    """Collects updates of the running cell; networks are held until the cell ends.

    Args:
        follow: Begins to follow what the network with some parameters computes.
    """

    def __init__(self, follow: Callable[[Sequence[torch.Tensor]], Trace | None]) -> None:
        self._follow = follow
        self._updates: list[Update] = []
        self._optimised: list[torch.Tensor] = []

    def backward(self, model: nn.Module, cells: Cells, during: Pass | None) -> None:
        """Notes a backward pass; the first one in a cell reads the network's values."""
        known = next((update for update in self._updates if update.model is model), None)
        if known is None:
            trained = tuple(tensor for _, tensor in parameters(model) if is_trainable(tensor))
            before, trace = take(trained), self._follow(trained)
            known = Update(model, cells.place(), during, trained, before, trace)
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
