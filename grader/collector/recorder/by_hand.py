"""Training without a torch optimizer, seen by what backward passes and values around a cell tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from grader.collector.networks import is_trainable, parameters
from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.fingerprint import Snapshot, take
from grader.collector.recorder.passes import Pass

__all__ = ["ByHand", "Update"]


@dataclass(eq=False)
class Update:
    """Backward passes through one network in one cell that no optimizer step followed."""

    model: nn.Module
    place: Place
    during: Pass | None
    trained: tuple[torch.Tensor, ...]
    before: Snapshot
    backwards: int = 1


class ByHand:
    """Collects updates of the running cell; networks are held until the cell ends."""

    def __init__(self) -> None:
        self._updates: list[Update] = []
        self._optimised: list[torch.Tensor] = []
        self._latest: Update | None = None

    def backward(self, model: nn.Module, cells: Cells, during: Pass | None) -> None:
        """Notes a backward pass; the first one in a cell reads the network's values."""
        if self._latest is not None and self._latest.model is model:
            self._latest.backwards += 1
            return
        known = next((update for update in self._updates if update.model is model), None)
        if known is None:
            trained = tuple(tensor for _, tensor in parameters(model) if is_trainable(tensor))
            known = Update(model, cells.place(), during, trained, take(trained), backwards=0)
            self._updates.append(known)
        known.backwards += 1
        self._latest = known

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
        self._updates, self._optimised, self._latest = [], [], None
        return changed
