"""How a person stops a run: first the running submissions may finish, then not even they."""

from __future__ import annotations

import signal
import threading

__all__ = ["STOPS", "StopSignal"]

#: What asks a command to stop: Ctrl-C, a service manager or `kill`, a terminal that was closed.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """Asked by worker threads, pressed from a signal handler."""

    def __init__(self) -> None:
        self._finish = threading.Event()
        self._now = threading.Event()

    def press(self) -> None:
        """Once: begin nothing new. Twice: break off what runs."""
        (self._now if self._finish.is_set() else self._finish).set()

    @property
    def finishing(self) -> bool:
        return self._finish.is_set()

    @property
    def now(self) -> bool:
        return self._now.is_set()

    def rest(self, seconds: float) -> None:
        """Waits, but no longer than until the second press: for what has to be finished."""
        self._now.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Waits, but no longer than until the first press."""
        self._finish.wait(seconds)
