"""Which weights follow trained ones without being equal to them: a factor, some noise or another order apart.

Each tensor is asked by itself: that most of a network is fresh says nothing of the rest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from grader.collector.recorder.filters import Filters, filters_of, same_filters
from grader.collector.recorder.fingerprint import Fingerprint, Snapshot
from grader.collector.recorder.runs import Run

__all__ = ["is_among", "is_initial", "resembled"]

#: Correlation of sampled elements above which weights are taken for trained ones that were changed a little.
#: Independent weights stay within 0.13 of 0 in two thirds of cases for the fewest elements compared.
_ALIKE = 0.7
_FEWEST_ELEMENTS = 60
_FEWEST_OF_A_TENSOR = 8
#: The same for a single tensor: logarithm (base 10) of the chance that independent weights correlate as much.
_CHANCE = -9.0
_FEWEST_OF_ONE = 5
#: The share of elements from which on they are no chance where they are the very same.
_SHARED = 0.1
#: Correlation from which on one tensor is the other, but for a factor.
_SCALED = 1 - 1e-9
#: Readings of a run that single tensors are compared with; its last one is among them.
_READINGS = 8


def is_among(mine: Fingerprint, others: Sequence[Fingerprint]) -> bool:
    return any(mine.equals(other) for other in others)


def is_initial(mine: Fingerprint, earlier: Sequence[Run]) -> bool:
    """Whether an earlier run began with these values, or with them but for a factor, and began fresh."""
    initial = _initial_of(earlier)
    return is_among(mine, initial) or _is_scaled(mine, initial)


def _initial_of(earlier: Sequence[Run]) -> list[Fingerprint]:
    """Values that earlier runs started from, where these were fresh themselves.

    What was carried into a run, or may have been, is not made fresh by having been its start.
    """
    return [mine for run in earlier if run.began_fresh for mine in run.milestones[0].prints]


def resembled(
    now: Snapshot,
    parameters: Sequence[torch.Tensor],
    earlier: Sequence[Run],
    begun: Snapshot | None = None,
) -> Run | None:
    """The latest run whose trained weights these follow, in any of their tensors; None for fresh ones.

    Tensors that an earlier run started from, or never moved, are left out: they were loaded again.

    Args:
        now: Values of `parameters` as they are.
        parameters: The tensors themselves.
        earlier: All runs so far.
        begun: Their values where their own run began, if that was before; now it is.
    """
    initial = _initial_of(earlier)
    asked = [
        place
        for place, mine in enumerate((begun or now).prints)
        if not mine.constant and not is_among(mine, initial) and not _is_scaled(mine, initial)
    ]
    if not asked:
        return None
    every = filters_of(parameters, every=True) if any(run.milestones[-1].filters for run in earlier) else ()
    for run in reversed(earlier):
        if (
            _all_follow(now, run, asked)
            or _one_follows(now, run, asked)
            or _reordered(now, run, asked, every)
        ):
            return run
    return None


def _all_follow(now: Snapshot, run: Run, asked: Sequence[int]) -> bool:
    """Whether weights follow each other taken together, which tells of more noise than each for itself."""
    places = [place for place in asked if len(now.prints[place].sample) >= _FEWEST_OF_A_TENSOR]
    return any(_alike(now, later, places) for later in run.milestones[1:])


def _alike(now: Snapshot, later: Snapshot, places: Sequence[int]) -> bool:
    """Whether sampled elements follow each other; each tensor weighs as its sample."""
    pairs = [(now.prints[place], later.prints[place]) for place in places if place < len(later.prints)]
    same = [(mine.sample, other.sample) for mine, other in pairs if mine.shape == other.shape]
    found = [(len(mine), _correlation(mine, other)) for mine, other in same if len(mine) == len(other)]
    elements = sum(count for count, _ in found)
    weighted = sum(count * value for count, value in found)
    return elements >= _FEWEST_ELEMENTS and weighted > _ALIKE * elements


def _one_follows(now: Snapshot, run: Run, asked: Sequence[int]) -> bool:
    """Whether one tensor follows a trained one of its shape, wherever that stands."""
    first, later = run.milestones[0].prints, run.milestones[1:]
    step = max(1, len(later) // _READINGS)
    for reading in later[::-1][::step]:
        moved = [
            after for before, after in zip(first, reading.prints, strict=True) if not before.equals(after)
        ]
        if any(_follows(now.prints[place], other) for place in asked for other in moved):
            return True
    return False


def _follows(mine: Fingerprint, other: Fingerprint) -> bool:
    count = len(mine.sample)
    if mine.shape != other.shape or count != len(other.sample) or count < _FEWEST_OF_ONE:
        return False
    if _shared(mine.sample, other.sample) >= max(_FEWEST_OF_ONE, _SHARED * count):
        return True
    unlike = 10 ** (2 * _CHANCE / (count - 2))
    return 1 - _correlation(mine.sample, other.sample) ** 2 < unlike


def _shared(mine: Sequence[float], other: Sequence[float]) -> int:
    """Elements that are the very same at the same place, but for values that stand there more than once."""
    often = Counter(other)
    return sum(a == b and often[b] == 1 for a, b in zip(mine, other, strict=True))


def _is_scaled(mine: Fingerprint, others: Sequence[Fingerprint]) -> bool:
    """Whether these are initial values again but for a factor, as another gain of the same seed gives."""
    same = (other for other in others if other.shape == mine.shape and len(other.sample) == len(mine.sample))
    return len(mine.sample) >= _FEWEST_OF_ONE and any(
        _correlation(mine.sample, other.sample) > _SCALED for other in same
    )


def _reordered(now: Snapshot, run: Run, asked: Sequence[int], every: Sequence[Filters | None]) -> bool:
    """Whether a weight has the filters, or the inputs, of a trained one, whatever their order and size."""
    first, last = run.milestones[0], run.milestones[-1]
    for place in asked:
        mine = every[place] if place < len(every) else None
        for before, after, kept in zip(first.prints, last.prints, last.filters, strict=False):
            # A wider layer of the same seed begins with the same filters: only one of one shape is turned.
            other = before.shape != now.prints[place].shape
            if other or mine is None or kept is None or before.equals(after):
                continue
            if same_filters(kept.outputs, mine.outputs) or same_filters(kept.inputs, mine.inputs):
                return True
    return False


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's coefficient; 0 where either does not vary."""
    mine, other = np.asarray(first), np.asarray(second)
    mine, other = mine - mine.mean(), other - other.mean()
    spread = math.sqrt(float(mine @ mine) * float(other @ other))
    return float(mine @ other) / spread if spread > 0 else 0.0
