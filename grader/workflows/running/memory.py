"""How much memory the submissions of a run may take together: no more than this machine has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.stopping import StopSignal

__all__ = ["MemoryBudget", "available_bytes"]

_POLL_S = 0.2
_GB = 1e9
_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")


class MemoryBudget:
    """Workers hold bytes of it as long as their sandbox may take them; who asks for too many waits.

    A worker that is alone is always let in: a machine that is too small still grades, one at a time.

    Args:
        total_bytes: What there is.
        notify: Told once that workers wait, and once that even one is too many.
    """

    def __init__(self, total_bytes: int, notify: Notify) -> None:
        self._total = total_bytes
        self._held = 0
        self._freed = threading.Condition()
        self._notify = notify
        self._said: set[str] = set()

    def take(self, size_bytes: int, stop: StopSignal) -> bool:
        """Waits until so much is free, and holds it; False where a stop was asked for meanwhile."""
        with self._freed:
            while self._held and self._held + size_bytes > self._total:
                self._say(self._of_many(size_bytes))
                self._freed.wait(_POLL_S)
                if stop.finishing:
                    return False
            if size_bytes > self._total:
                self._say(self._of_one(size_bytes))
            self._held += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        with self._freed:
            self._held -= size_bytes
            self._freed.notify_all()

    def _of_many(self, size_bytes: int) -> str:
        return (
            f"Fewer submissions at a time than --jobs: one may take {size_bytes / _GB:.1f} GB of memory,"
            f" {self._total / _GB:.1f} GB are free"
        )

    def _of_one(self, size_bytes: int) -> str:
        return (
            f"One submission may take {size_bytes / _GB:.1f} GB of memory and {self._total / _GB:.1f} GB are"
            " free: end other programs, or lower `limits: {memory_bytes: ...}` in the rubric"
        )

    def _say(self, text: str) -> None:
        kind = text.split()[0]
        if kind not in self._said:
            self._said.add(kind)
            self._notify(Notice(text))


def available_bytes(proc: Path = _PROC, groups: Path = _GROUPS) -> int:
    """What new processes can take without swapping, by the machine and by the control group of this one."""
    return min([_of_machine(proc), *_of_groups(proc, groups)])


def _of_machine(proc: Path) -> int:
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("every Linux since 3.14 says MemAvailable")


def _of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What is left below the limits of the group and of those around it; none where nobody limits."""
    for line in (proc / "self" / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder, names = _V1 if controllers else _V2
            yield from _left(groups / folder, path, names)


_Names = tuple[str, str, str]
_V1 = ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
_V2 = ("", ("memory.max", "memory.current", "inactive_file"))


def _left(root: Path, path: str, names: _Names) -> Iterator[int]:
    limit_name, used_name, cache_name = names
    inner = root / path.lstrip("/")
    for folder in (inner, *inner.parents):
        if not folder.is_relative_to(root):
            return
        # The file says "max" where there is no limit, and is not there at the top.
        with suppress(OSError, ValueError):
            limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
            yield max(0, limit - used + _counter(folder / "memory.stat", cache_name))


def _counter(file: Path, name: str) -> int:
    """Files that the kernel has read and may forget count as used, and are not."""
    counters = dict(line.split() for line in file.read_text().splitlines())
    return int(counters.get(name, 0))
