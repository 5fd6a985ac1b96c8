"""Hands out GPU slots, each to one worker at a time, and keeps back those that fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from grader.errors import SandboxUnavailable
from grader.sandbox.gpus import GpuSlot

__all__ = ["GpuSlots"]

_POLL_S = 0.2


class GpuSlots:
    """Used by several threads.

    Args:
        slots: All that the run may use.
        notify: Told of each slot that is given up.
    """

    def __init__(self, slots: Iterable[GpuSlot], notify: Callable[[str], None]) -> None:
        self._free = list(slots)
        self._good = len(self._free)
        self._changed = threading.Condition()
        self._notify = notify
        self._reason = ""

    def __len__(self) -> int:
        """How many are fit for use, in use or not."""
        return self._good

    def take(self, closed: Callable[[], bool]) -> GpuSlot:
        """Waits for a slot.

        Args:
            closed: Whether the run was broken off meanwhile.

        Raises:
            SandboxUnavailable: None is fit for use any more, or the run was broken off.
        """
        with self._changed:
            while not self._free:
                if not self._good:
                    raise SandboxUnavailable(
                        "no GPU is fit for use any more",
                        found=self._reason,
                        todo="see `nvidia-smi` and the system log; after the repair run again",
                    )
                if closed():
                    raise SandboxUnavailable("the run was broken off", todo="run again to go on")
                self._changed.wait(_POLL_S)
            return self._free.pop(0)

    def give_back(self, slot: GpuSlot) -> None:
        with self._changed:
            self._free.append(slot)
            self._changed.notify_all()

    def quarantine(self, slot: GpuSlot, reason: str) -> None:
        """Gives up a slot that was taken, for the rest of the run."""
        with self._changed:
            self._good -= 1
            self._reason = f"{slot.name}: {reason}"
            self._changed.notify_all()
        self._notify(f"GPU {slot.name} is not used any more: {reason}")
