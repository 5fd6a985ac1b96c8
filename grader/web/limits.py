"""How often somebody may try: to guess a password or a link, or to send forms. In memory alone.

The framework's own limit counts every request of an address. Here only what failed counts, and by account as
well, so that a lab that signs in through one address is not locked out, and many addresses guess no faster.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = [
    "ASKED",
    "FORMS",
    "LINKS",
    "PASSWORDS",
    "SENT",
    "TOKENS",
    "UPLOADS",
    "WORKER_TOKENS",
    "Limit",
    "Tries",
    "network_of",
]

#: More keys than this are not kept: whoever makes them up fills no memory.
_KEYS = 20_000


@dataclass(frozen=True)
class Limit:
    """So many within so long."""

    most: int
    within: timedelta


#: For one account from one address, for one account from anywhere, for one address and any account.
PASSWORDS = (
    Limit(5, timedelta(minutes=15)),
    Limit(50, timedelta(hours=1)),
    Limit(60, timedelta(minutes=15)),
)
#: From one address.
LINKS = Limit(10, timedelta(minutes=1))
#: To the identity provider, from one address: a whole lab begins at once.
SENT = Limit(300, timedelta(minutes=1))
#: Of one session: nobody decides four answers a second for a minute.
FORMS = Limit(240, timedelta(minutes=1))
#: Of one student to one course, files that are refused among them: each takes time to read.
UPLOADS = Limit(20, timedelta(minutes=10))
#: Requests of one program: ten a second go on for as long as they like.
ASKED = Limit(600, timedelta(minutes=1))
#: Tokens that are none, from one address.
TOKENS = Limit(30, timedelta(minutes=1))
#: Tokens of workers that are none, from one address; those of many seats are looked at at once.
WORKER_TOKENS = Limit(600, timedelta(minutes=1))


class Tries:
    """Who tried what lately. Safe to share between threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._at: dict[tuple[str, ...], deque[datetime]] = {}

    def take(self, *asked: tuple[Limit, Sequence[str]]) -> bool:
        """Counts a try before it is made, so that many at once get no further than one after another.

        Args:
            asked: Each limit with what it holds for, as ``(LINKS, ("link", address))``.

        Returns:
            Whether it may be made; where not, it was not counted.
        """
        now = self._clock()
        with self._lock:
            held = [(limit, self._since(tuple(key), now - limit.within)) for limit, key in asked]
            if any(len(times) >= limit.most for limit, times in held):
                return False
            for _, times in held:
                times.append(now)
            return True

    def free_in(self, limit: Limit, key: Sequence[str]) -> int:
        """After how many seconds the next try may be made; 1 at least."""
        now = self._clock()
        with self._lock:
            times = self._since(tuple(key), now - limit.within)
            wait = times[-limit.most] + limit.within - now if len(times) >= limit.most else timedelta()
        return max(1, math.ceil(wait.total_seconds()))

    def give_back(self, *keys: Sequence[str]) -> None:
        """A try that was right counts for nothing."""
        with self._lock:
            for key in keys:
                times = self._at.get(tuple(key))
                if times:
                    times.pop()

    def _since(self, key: tuple[str, ...], start: datetime) -> deque[datetime]:
        if key not in self._at and len(self._at) >= _KEYS:
            # The one that was asked for least lately.
            del self._at[next(iter(self._at))]
        times = self._at.pop(key, None) or deque()
        self._at[key] = times
        while times and times[0] <= start:
            times.popleft()
        return times


def network_of(address: str) -> str:
    """Who an address counts as: of IPv6 the network, of which everybody has 2^64 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
