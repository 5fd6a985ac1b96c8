"""How much memory the submissions of a run may take together: no more than this machine has left."""

from __future__ import annotations

import threading

from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.stopping import StopSignal

__all__ = ["MemoryBudget"]

_POLL_S = 0.2
_GB = 1e9


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
