"""Time that is a submission's own: by the wall, without what it waited for a processor that others had.

A cell that works for 20 seconds takes 300 on a machine on which fifteen others work; its limits are not about
them. Linux counts for each thread how long it was ready to run and did not (``schedstat``), and for a virtual
machine how long its host gave the processors to others (steal); where neither is counted, as in gVisor, the
wall's time is all there is.

A cell passes through several threads one after another (our driver, the kernel's channels, the student's
code), each of which waits for itself, so that their waiting adds up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from grader.evidence.plan import MOST_BY_THE_WALL

__all__ = ["OwnTime", "descendants", "stolen_s", "used_s", "waits_s"]

_TICKS = os.sysconf("SC_CLK_TCK")
# What the host took is counted as the waiting of one more thread.
_STOLEN = 0


class OwnTime:
    """A clock that stands still while a submission waits for a processor.

    Processors that it keeps busy itself are its own time: what waits for them waits for no other.

    Args:
        processes: Gives the process numbers of the submission.
        cpus: Processors that it may use at a time.
        heard_here: What this process waits counts too, since the end of a cell is heard here.
    """

    def __init__(
        self, processes: Callable[[], Iterable[int]], cpus: float, *, heard_here: bool = True
    ) -> None:
        self._processes = processes
        self._listeners = {os.getpid()} if heard_here else set()
        self._cpus = max(cpus, 1.0)
        self._began = time.monotonic()
        self._waits: dict[int, float] = {}
        self._waited_s = self._used_s = self._at_once_s = 0.0
        self._count()
        self._waited_s, self._used_before_s = 0.0, self._used_s

    def now(self) -> float:
        """Seconds since it was made; never fewer than before, nor than a part of those by the wall."""
        wall_s = time.monotonic() - self._began
        return max(self._own(wall_s), wall_s / MOST_BY_THE_WALL)

    @property
    def starved(self) -> bool:
        """Whether others had the processors for so much of the time that the wall's end came first."""
        wall_s = time.monotonic() - self._began
        return self._own(wall_s) < wall_s / MOST_BY_THE_WALL

    @property
    def used_s(self) -> float:
        """Processor time of the processes, from their own beginning to when `now` was last asked."""
        return self._used_s

    @property
    def waited_s(self) -> float:
        """How long their threads waited for a processor since this was made, all of them together."""
        return self._waited_s

    def _own(self, wall_s: float) -> float:
        self._count()
        # What more threads waited at a time than the wall has seconds is no credit for seconds to come.
        self._at_once_s = max(self._at_once_s, self._waited_s - wall_s)
        waited_s = self._waited_s - self._at_once_s
        return max(wall_s - waited_s, (self._used_s - self._used_before_s) / self._cpus)

    def _count(self) -> None:
        pids = set(self._processes())
        # A process keeps what its children used; the largest sum seen is for what is lost all the same.
        self._used_s = max(self._used_s, sum(map(used_s, pids)))
        waits = {_STOLEN: stolen_s()}
        for pid in pids | self._listeners:
            waits |= waits_s(pid)
        for thread, waited_s in waits.items():
            before = self._waits.get(thread, 0.0)
            # A thread's number may come back as another's.
            self._waited_s += waited_s - before if waited_s >= before else waited_s
        self._waits = waits


def waits_s(pid: int) -> dict[int, float]:
    """How long each thread was ready to run and did not, by its number; none where nobody counts."""
    waits = {}
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, ValueError, IndexError):
                waits[int(thread.name)] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return waits


def used_s(pid: int) -> float:
    """Processor time of a process, its ended threads and its ended children."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    return 0.0


def stolen_s() -> float:
    """How long a processor of this virtual machine ran for others, the mean of all; 0 where nobody counts."""
    with suppress(OSError, ValueError, IndexError):
        lines = [
            line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")
        ]
        return int(lines[0][8]) / _TICKS / max(len(lines) - 1, 1)
    return 0.0


def descendants(pid: int) -> set[int]:
    """A process and all below it: a kernel in its own namespaces is a child of what was forked."""
    parents = dict(_parents())
    found: set[int] = set()
    below = {pid}
    while below:
        found |= below
        below = {child for child, parent in parents.items() if parent in below} - found
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])
