"""What a run started from: its first values against those at the pass ends of every earlier run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from grader.collector.recorder.fingerprint import Fingerprint, Snapshot
from grader.collector.recorder.runs import Run
from grader.evidence.training import Start

__all__ = ["judge_start"]

#: Correlation of sampled elements above which weights are taken for trained ones that were changed a little.
#: Independent weights stay within 0.13 of 0 in two thirds of cases for the fewest elements compared.
_ALIKE = 0.7
_FEWEST_ELEMENTS = 60
_FEWEST_OF_A_TENSOR = 8


def judge_start(now: Snapshot, parameters: Sequence[torch.Tensor], earlier: Sequence[Run]) -> Start:
    """Says which share of a run's parameters holds values that an earlier run trained.

    A tensor counts where its values tell something: not where all its elements are equal (a fresh bias
    or scale), nor where the earlier run never moved it (frozen, unused, or loaded alike for every run).

    Args:
        now: The values just before the run's first step.
        parameters: The tensors themselves, in the same order.
        earlier: All runs so far, oldest first, their ends read.
    """
    shares = [(_carried_share(now, run), run) for run in earlier]
    best_share, best = max(
        ((share, run) for share, run in shares),
        key=lambda found: (found[0], found[1].index),
        default=(0.0, None),
    )
    if best is not None and best_share > 0:
        return Start(
            determined=True,
            carried_share=best_share,
            identity_share=_identity_share(parameters, best),
            carried_from=best.index,
        )
    if any(_same_start(now, run) for run in earlier):
        return Start(determined=True, reloaded_initial=True)
    alike = [run for run in earlier if _resembles(now, run, earlier)]
    if alike:
        return Start(
            determined=False, why=f"its weights resemble those that run {alike[-1].index} ended with"
        )
    unread = [run for run in earlier if not run.end_known and _shapes(run) == _shapes_of(now)]
    if unread:
        return Start(determined=False, why=f"what run {unread[-1].index} ended with could not be read")
    return Start(determined=True)


def _carried_share(now: Snapshot, run: Run) -> float:
    """The largest share over the run's pass ends, so that a checkpoint of any epoch is recognised."""
    first = run.milestones[0]
    return max((_share(now, first, milestone) for milestone in run.milestones[1:]), default=0.0)


def _share(now: Snapshot, first: Snapshot, later: Snapshot) -> float:
    moved = [
        after for before, after in zip(first.prints, later.prints, strict=True) if not before.equals(after)
    ]
    unmoved = [
        after for before, after in zip(first.prints, later.prints, strict=True) if before.equals(after)
    ]
    telling = [mine for mine in now.prints if not mine.constant and not _among(mine, unmoved)]
    if not telling:
        return 0.0
    return sum(_among(mine, moved) for mine in telling) / len(telling)


def _among(mine: Fingerprint, others: Sequence[Fingerprint]) -> bool:
    return any(mine.equals(other) for other in others)


def _resembles(now: Snapshot, run: Run, earlier: Sequence[Run]) -> bool:
    """Whether weights that are not equal to trained ones follow them all the same, noise or a factor apart.

    Tensors that an earlier run started from are left out: they were loaded again, not carried.
    """
    initial = [mine for each in earlier for mine in each.milestones[0].prints]
    places = [
        place
        for place, mine in enumerate(now.prints)
        if len(mine.sample) >= _FEWEST_OF_A_TENSOR and not _among(mine, initial)
    ]
    return any(_alike(now, later, places) for later in run.milestones[1:])


def _alike(now: Snapshot, later: Snapshot, places: Sequence[int]) -> bool:
    """Whether sampled elements follow each other; each tensor weighs as its sample."""
    pairs = [(now.prints[place], later.prints[place]) for place in places if place < len(later.prints)]
    same = [(mine.sample, other.sample) for mine, other in pairs if mine.shape == other.shape]
    found = [(len(mine), _correlation(mine, other)) for mine, other in same if len(mine) == len(other)]
    elements = sum(count for count, _ in found)
    weighted = sum(count * value for count, value in found)
    return elements >= _FEWEST_ELEMENTS and weighted > _ALIKE * elements


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's coefficient; 0 where either does not vary."""
    middles = sum(first) / len(first), sum(second) / len(second)
    pairs = [(mine - middles[0], other - middles[1]) for mine, other in zip(first, second, strict=True)]
    spread = math.sqrt(sum(mine**2 for mine, _ in pairs) * sum(other**2 for _, other in pairs))
    return sum(mine * other for mine, other in pairs) / spread if spread > 0 else 0.0


def _same_start(now: Snapshot, run: Run) -> bool:
    """The same initial values again, where they were not constants throughout."""
    return now.equals(run.milestones[0]) and not all(mine.constant for mine in now.prints)


def _identity_share(parameters: Sequence[torch.Tensor], run: Run) -> float:
    known = [reference() for reference in run.trainable]
    same = sum(any(tensor is other for other in known) for tensor in parameters)
    return same / len(parameters) if parameters else 0.0


def _shapes(run: Run) -> list[tuple[int, ...]]:
    return _shapes_of(run.milestones[0])


def _shapes_of(snapshot: Snapshot) -> list[tuple[int, ...]]:
    return [mine.shape for mine in snapshot.prints]
