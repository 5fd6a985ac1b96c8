"""Who is looking at what just now, so that two do not judge the same answer unknowingly. In memory alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Presence"]

#: Whoever opened nothing else for so long is taken to have gone.
_STAYS = timedelta(minutes=3)


class Presence:
    """Where everybody was last seen. Safe to share between threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._at: dict[str, tuple[tuple[str, ...], datetime]] = {}

    def arrive(self, name: str, *place: str) -> None:
        """Somebody opened this place, and so left the one before."""
        with self._lock:
            self._at[name] = (place, self._clock())

    def others(self, name: str, *place: str) -> list[str]:
        """Who else is at this place or within it, by name."""
        since = self._clock() - _STAYS
        with self._lock:
            return sorted(
                other
                for other, (where, at) in self._at.items()
                if other != name and at > since and where[: len(place)] == place
            )
