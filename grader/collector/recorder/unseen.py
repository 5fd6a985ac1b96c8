"""Weights that moved on from where their run ended, without a run that was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from grader.collector.recorder.fingerprint import Fingerprint, sampled
from grader.collector.recorder.runs import Run

__all__ = ["moved_on"]

#: Correlation with the run's end from which on weights are that end, moved.
_ALIKE = 0.7
_FEWEST = 8
#: How much further from the run's start than its end: what is loaded again from within a run is nearer.
_FURTHER = 1.01


def moved_on(runs: Sequence[Run]) -> list[Run]:
    """Runs whose networks went on from what they ended with although no later run moved them.

    Weights that were put back to an earlier state, initialised anew or set to one value did not go on, nor
    did those that hold what some run began or ended with.
    """
    found: list[Run] = []
    taken: list[torch.Tensor] = []
    known = {mine.sample for run in runs for at in (0, -1) for mine in run.milestones[at].prints}
    for run in reversed(runs):
        parameters = run.parameters()
        if parameters is None or not run.end_known or run.unread:
            continue
        latest = not any(tensor is other for tensor in parameters for other in taken)
        taken.extend(parameters)
        if latest and _went_on(run, parameters, known):
            found.append(run)
    return found


def _went_on(run: Run, parameters: Sequence[torch.Tensor], known: set[tuple[float, ...]]) -> bool:
    now = [sampled(tensor) for tensor in parameters]
    start, end = (run.milestones[at].prints for at in (0, -1))
    moved = [
        _aligned(*parts)
        for parts in zip(start, end, now, strict=True)
        if parts[2] not in known and len(parts[1].sample) == len(parts[2])
    ]
    if not moved:
        return False
    began, ended, here = (np.concatenate([parts[at] for parts in moved]) for at in range(3))
    if len(here) < _FEWEST or not np.isfinite(here).all() or np.ptp(here) == 0 or np.ptp(ended) == 0:
        return False
    alike = float(np.corrcoef(ended, here)[0, 1]) > _ALIKE
    return alike and np.linalg.norm(here - began) > _FURTHER * np.linalg.norm(ended - began)


def _aligned(
    start: Fingerprint, end: Fingerprint, now: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same elements at a run's start, at its end and now."""
    ended = np.asarray(end.sample)
    began = np.asarray(start.sample) if len(start.sample) == len(now) else np.full(len(now), start.middle)
    return began, ended, np.asarray(now)
