"""How many notebooks fit into the memory of this machine, each with as much as its plan lets it take."""

from __future__ import annotations

import threading
from collections.abc import Callable

from grader.errors import UsageError

__all__ = ["Room", "seats_that_fit"]

_POLL_S = 0.2
_GB = 1e9


def seats_that_fit(asked: int | None, usual: int, seat_bytes: int, free_bytes: int) -> int:
    """How many notebooks run at a time.

    Args:
        asked: By whoever starts the worker; None leaves it to the machine.
        usual: One for each GPU, or else for each core.
        seat_bytes: What one may take at the usual limit of a plan; 0 where none is set.
        free_bytes: What the machine has left.

    Raises:
        UsageError: More are asked for than fit.
    """
    fit = free_bytes // seat_bytes if seat_bytes else max(usual, asked or 0)
    if asked is not None and asked > max(1, fit):
        raise UsageError(
            f"{asked} notebooks at a time do not fit into the memory of this machine",
            expected=f"--jobs {max(1, fit)} or fewer: each may take {seat_bytes / _GB:.1f} GB",
            found=f"{free_bytes / _GB:.1f} GB free",
            todo="take fewer, end other programs, or add memory",
        )
    return asked or max(1, min(usual, fit))


class Room:
    """Seats hold bytes of it as long as their sandbox may take them; who needs too many waits for the others.

    Some plans let a notebook take more than the usual. One that is alone is always let in.

    Args:
        total_bytes: What there is.
    """

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._held = 0
        self._freed = threading.Condition()

    def take(self, size_bytes: int, is_over: Callable[[], bool]) -> bool:
        """Waits until so much is free, and holds it; False where it is over meanwhile."""
        with self._freed:
            while self._held and self._held + size_bytes > self._total:
                self._freed.wait(_POLL_S)
                if is_over():
                    return False
            self._held += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        with self._freed:
            self._held -= size_bytes
            self._freed.notify_all()
