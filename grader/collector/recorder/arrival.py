"""Weights that training itself brings to those of an earlier run: its gradients were made for it.

A gradient that is written by hand, a hook that turns it, or a loss that measures the way to trained weights
moves fresh ones there by an optimizer's own steps, and no step goes further than it may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grader.collector.recorder.fingerprint import Fingerprint, Snapshot
from grader.collector.recorder.likeness import is_initial
from grader.collector.recorder.runs import Run

__all__ = ["arrived_at"]

#: Weights have arrived where they are this near to trained ones, seen against how much those vary,
_NEAR = 0.3
#: and began this far from them.
_FAR = 0.6
_FEWEST_ELEMENTS = 30
_FEWEST_FILTERS = 3
_MATRIX = 2


def arrived_at(now: Snapshot, begun: Snapshot, earlier: Sequence[Run]) -> Run | None:
    """The latest run at whose trained weights these have arrived; None for what trained by itself.

    Asked of each weight but the last: the last layer alone comes to the same from everywhere, hidden ones do
    not. Weights that began as an earlier run did may end as it did.

    Args:
        now: Weights after some steps.
        begun: The same before the first one.
        earlier: Runs that ended before.
    """
    asked = [place for place in _hidden(begun) if not is_initial(begun.prints[place], earlier)]
    for run in reversed(earlier):
        first, last = run.milestones[0].prints, run.milestones[-1].prints
        moved = [after for before, after in zip(first, last, strict=True) if not before.equals(after)]
        if any(_arrived(now.prints[place], begun.prints[place], other) for place in asked for other in moved):
            return run
    return None


def _hidden(begun: Snapshot) -> list[int]:
    """Places of the weights but for the last, where they are large enough to tell."""
    weights = [place for place, mine in enumerate(begun.prints) if len(mine.shape) >= _MATRIX]
    return [place for place in weights[:-1] if _tells(begun.prints[place])]


def _tells(mine: Fingerprint) -> bool:
    return math.prod(mine.shape) >= _FEWEST_ELEMENTS and mine.shape[0] >= _FEWEST_FILTERS


def _arrived(now: Fingerprint, begun: Fingerprint, trained: Fingerprint) -> bool:
    if not now.shape == begun.shape == trained.shape or trained.constant or now.constant or begun.constant:
        return False
    here, before, there = (np.asarray(each.sample) for each in (now, begun, trained))
    spread = float(np.linalg.norm(there - there.mean()))
    is_near = float(np.linalg.norm(here - there)) <= _NEAR * spread
    return is_near and float(np.linalg.norm(before - there)) >= _FAR * spread
