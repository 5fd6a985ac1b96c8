"""Jobs in hand: as many as seats begin while a claim is under way, so that none of them waits for one."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from grader.worker.server import Lease

__all__ = ["Ahead", "Claimed"]

#: How fast seats begin jobs is told by those begun in so long a time.
_WINDOW_S = 4.0
#: So long a job may be expected to lie in hand; seats that begin fewer than one in it have none in hand.
_EXPECTED_S = 2.0
#: Of what lies in hand for longer others have more.
_LONGEST_S = 5.0
#: A request brings what is begun in so long a time, also where it is answered faster: fewer requests.
_ENOUGH_S = 0.5
#: The slowest of the last so many claims tells how long the next one may take.
_LAST = 8


@dataclass(frozen=True)
class Claimed:
    """A job that the server leased to this worker, as it was told."""

    lease: Lease
    told: dict[str, Any]


class Ahead:
    """What is claimed and not begun. Safe to share between threads.

    Args:
        clock: Gives seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._in_hand: deque[tuple[float, Claimed]] = deque()
        self._begun: deque[float] = deque()
        self._lasted: deque[float] = deque(maxlen=_LAST)

    def take(self) -> Claimed | None:
        """The job that was claimed first, for a seat that begins it now; None where none is in hand."""
        with self._lock:
            found = self._in_hand.popleft()[1] if self._in_hand else None
        if found is not None:
            self.note_begun()
        return found

    def note_begun(self) -> None:
        """Counts a job that a seat begins."""
        with self._lock:
            self._begun.append(self._clock())
        self._changed.set()

    def put(self, jobs: Sequence[Claimed], *, lasted_s: float) -> None:
        """Keeps jobs for the seats that are free next.

        Args:
            jobs: Just claimed.
            lasted_s: How long the claim took.
        """
        now = self._clock()
        with self._lock:
            self._in_hand.extend((now, each) for each in jobs)
            self._lasted.append(lasted_s)

    def lacking(self) -> int:
        """How many more to claim now; 0 while at least half of what is to be in hand is there."""
        now = self._clock()
        with self._lock:
            while self._begun and self._begun[0] <= now - _WINDOW_S:
                self._begun.popleft()
            # In the first moments seats begin all at once: that tells nothing yet.
            a_second = len(self._begun) / min(_WINDOW_S, max(1.0, now - self._since))
            lasts = max(_ENOUGH_S, 2 * max(self._lasted, default=0.0))
            wanted = min(math.ceil(a_second * lasts), math.floor(a_second * _EXPECTED_S))
            return wanted - len(self._in_hand) if len(self._in_hand) <= wanted / 2 else 0

    def too_long(self) -> list[Claimed]:
        """Takes out what nobody began for too long."""
        before = self._clock() - _LONGEST_S
        return self._taken_out(lambda since, _: since < before)

    def drop(self, leases: Collection[Lease]) -> list[Claimed]:
        """Takes out those of some leases."""
        return self._taken_out(lambda _, job: job.lease in leases)

    def drop_all(self) -> list[Claimed]:
        return self._taken_out(lambda *_: True)

    def wait(self, seconds: float) -> None:
        """Until a job is begun, or for so long."""
        self._changed.wait(seconds)
        self._changed.clear()

    def _taken_out(self, which: Callable[[float, Claimed], bool]) -> list[Claimed]:
        with self._lock:
            gone = [each for each in self._in_hand if which(*each)]
            for each in gone:
                self._in_hand.remove(each)
        return [job for _, job in gone]
