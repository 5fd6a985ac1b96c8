"""A time limit on student code that runs in the kernel's main thread."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from grader.own_time import OwnTime

__all__ = ["TimeLimit", "TooSlow"]

_SETITIMER = signal.setitimer
_SIGNAL = signal.signal


class TooSlow(BaseException):
    """The time is up; no Exception, so that a student's ``except Exception`` does not catch it."""


class TimeLimit:
    """Raises TooSlow in the block after `seconds` of its own, and again every half second until it is left.

    Outside the main thread there are no signals; the driver's own time limit holds there.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before: Any = None
        self._clock: OwnTime | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            own = (os.getpid(),)
            self._clock = OwnTime(lambda: own, cpus=1.0)
            self._before = _SIGNAL(signal.SIGALRM, self._expire)
            _SETITIMER(signal.ITIMER_REAL, self._seconds, 0.5)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            _SETITIMER(signal.ITIMER_REAL, 0)
            _SIGNAL(signal.SIGALRM, self._before if self._before is not None else signal.SIG_DFL)

    def _expire(self, number: int, frame: FrameType | None) -> None:
        if self._clock is None or self._clock.now() >= self._seconds:
            raise TooSlow
