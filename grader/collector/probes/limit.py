"""A time limit on student code that runs in the kernel's main thread."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["TimeLimit", "TooSlow"]

_SETITIMER = signal.setitimer
_SIGNAL = signal.signal


class TooSlow(BaseException):
    """The time is up; no Exception, so that a student's ``except Exception`` does not catch it."""


class TimeLimit:
    """Raises TooSlow in the block after `seconds`, and again every half second until it is left.

    Outside the main thread there are no signals; the driver's own time limit holds there.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = _SIGNAL(signal.SIGALRM, self._expire)
            _SETITIMER(signal.ITIMER_REAL, self._seconds, 0.5)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            _SETITIMER(signal.ITIMER_REAL, 0)
            _SIGNAL(signal.SIGALRM, self._before if self._before is not None else signal.SIG_DFL)

    @staticmethod
    def _expire(number: int, frame: FrameType | None) -> None:
        raise TooSlow
