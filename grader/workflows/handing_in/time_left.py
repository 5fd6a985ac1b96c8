"""How long a file still waits: by what the last runs took, and by how many seats work at the queue.

A seat that is done takes what comes next in the same moment, so that the running jobs began when the last
ones ended. From there the queue is played out, seat by seat; what comes long before is taken for even.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from grader.store.queue_views import Pace

__all__ = ["time_left", "usual_length"]


def usual_length(pace: Pace, assignment: str) -> float | None:
    """Seconds that a run of an assignment takes, by the last ones; of any where none was run yet."""
    if assignment in pace.lengths:
        return pace.lengths[assignment]
    return sum(pace.lengths.values()) / len(pace.lengths) if pace.lengths else None


def time_left(
    pace: Pace, now: datetime, near: Sequence[str] = (), far: Mapping[str, int] | None = None
) -> timedelta | None:
    """How long it takes until all of these are run.

    Args:
        pace: Of the queue at this moment.
        now: The moment.
        near: Assignments of jobs in their order.
        far: How many come before those, by assignment.

    Returns:
        Until the last of `near` is run, or where there is none, all of `far`; None where nobody works at the
        queue, or nothing was run yet by which it could be told.
    """
    lengths = {
        name: length
        for name in {*near, *(far or ()), *(name for name, _ in pace.running)}
        if (length := usual_length(pace, name)) is not None
    }
    if not pace.running or not lengths:
        return None
    free = [max(0.0, lengths[name] - (now - began).total_seconds()) for name, began in pace.running]
    if far:
        even = (sum(free) + sum(lengths[name] * number for name, number in far.items())) / len(free)
        # Where they stand by then is by chance: some just began, some are about to be done.
        one = sum(lengths[name] * number for name, number in far.items()) / sum(far.values())
        free = [even + one * ((place + 0.5) / len(free) - 0.5) for place in range(len(free))]
    heapq.heapify(free)
    ended = max(free)
    for name in near:
        ended = free[0] + lengths[name]
        heapq.heapreplace(free, ended)
    return timedelta(seconds=max(0.0, ended))
