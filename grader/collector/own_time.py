"""Time that is a submission's own: by the wall, without what it waited for a processor that others had.

A cell that works for 20 seconds takes 300 on a machine on which fifteen others work; its limits are not about
them. Linux counts for each thread how long it was ready to run and did not (``schedstat``); where that is not
counted, as in gVisor, the wall's time is all there is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from grader.evidence.plan import MOST_BY_THE_WALL

__all__ = ["OwnTime", "used_s", "waited_s"]

_TICKS = os.sysconf("SC_CLK_TCK")


class OwnTime:
    """A clock that stands still while a submission waits for a processor.

    Processors that it keeps busy itself are its own time: what waits for them waits for no other.

    Args:
        processes: Gives the process numbers of the submission.
        cpus: Processors that it may use at a time.
    """

    def __init__(self, processes: Callable[[], Iterable[int]], cpus: float) -> None:
        self._processes = processes
        self._cpus = max(cpus, 1.0)
        self._began = time.monotonic()
        self._waited_before_s, self._used_before_s = self._counted()
        self._waited_s = self._used_s = 0.0

    def now(self) -> float:
        """Seconds since it was made; never fewer than before, nor than a part of those by the wall."""
        wall_s = time.monotonic() - self._began
        return max(self._own(wall_s), wall_s / MOST_BY_THE_WALL)

    @property
    def starved(self) -> bool:
        """Whether others had the processors for so much of the time that the wall's end came first."""
        wall_s = time.monotonic() - self._began
        return self._own(wall_s) < wall_s / MOST_BY_THE_WALL

    def _own(self, wall_s: float) -> float:
        waited, used = self._counted()
        # Of threads that end the counts are lost, so that the largest seen is kept.
        self._waited_s = max(self._waited_s, waited - self._waited_before_s)
        self._used_s = max(self._used_s, used - self._used_before_s)
        return max(wall_s - self._waited_s, self._used_s / self._cpus)

    def _counted(self) -> tuple[float, float]:
        pids = list(self._processes())
        return max(map(waited_s, pids), default=0.0), sum(map(used_s, pids))


def waited_s(pid: int) -> float:
    """The longest that a thread of a process was ready to run and did not; 0 where nobody counts."""
    longest = 0
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, ValueError, IndexError):
                longest = max(longest, int((thread / "schedstat").read_text().split()[1]))
    return longest / 1e9


def used_s(pid: int) -> float:
    """Processor time of a process, its ended threads and its ended children."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    return 0.0
