"""A run's patience: what is away for a while, as a server that restarts, is waited for, results in hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from grader.errors import StoreUnavailable
from grader.workflows.running.events import Away, Back, Notify
from grader.workflows.running.stopping import StopSignal

__all__ = ["LONGEST_S", "Patience"]

#: How long a database, a place of evidence or an engine of sandboxes that does not answer is waited for.
LONGEST_S = 120.0
_PAUSE_S = 1.0
_T = TypeVar("_T")


class Patience:
    """Shared by the threads of a run, so that what is away is told once, and waited for once.

    Args:
        notify: Told when something is away, and when it is back.
        stop: A second press ends the waiting.
    """

    def __init__(self, notify: Notify, stop: StopSignal) -> None:
        self._notify = notify
        self._stop = stop
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}

    def until_done(self, act: Callable[[], _T]) -> _T:
        """Does `act`, a whole transaction, again and again while database or evidence is out of reach.

        Where the answer to a commit was lost, it is done twice: it must find out what it did before.

        Raises:
            StoreUnavailable: It was away for too long, or nobody wants to wait any more.
        """
        return self._until_done(act, self._stop.rest, lambda: self._stop.now)

    def until_begun(self, act: Callable[[], _T]) -> _T:
        """`until_done` where no result is in hand yet, so that the first press already ends the waiting."""
        return self._until_done(act, self._stop.pause, lambda: self._stop.finishing)

    def _until_done(
        self, act: Callable[[], _T], rest: Callable[[float], None], given_up: Callable[[], bool]
    ) -> _T:
        missed = {StoreUnavailable.away}
        while True:
            try:
                done = act()
            except StoreUnavailable as error:
                missed.add(error.away)
                away_s = self.away(error.away, error.what)
                if given_up() or away_s >= LONGEST_S:
                    raise
                rest(_PAUSE_S)
            else:
                for name in missed:
                    self.back(name)
                return done

    def away(self, name: str, why: str) -> float:
        """Takes note that something does not answer; gives for how long, in seconds."""
        now = time.monotonic()
        with self._lock:
            is_new = name not in self._since
            since = self._since.setdefault(name, now)
        if is_new:
            self._notify(Away(name, why, LONGEST_S))
        return now - since

    def back(self, name: str) -> None:
        """Takes note that something answers."""
        if name not in self._since:
            return
        with self._lock:
            was_away = self._since.pop(name, None) is not None
        if was_away:
            self._notify(Back(name))
