"""Platforms' public keys, fetched from where each was registered and from nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from grader.workflows.lti.asking import Asked, PlatformError, ask

__all__ = ["PlatformKeys"]

_KEPT = timedelta(hours=12)
#: A key that is not known is looked for no more often, so that made-up names of keys ask a platform nothing.
_NEWER = timedelta(minutes=1)


class PlatformKeys:
    """Safe to share between threads.

    Args:
        clock: Gives the time in UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, KeySet]] = {}

    def of(self, url: str, *, newer: bool = False) -> KeySet:
        """The keys at an address that was registered.

        Args:
            url: Of a platform that was registered.
            newer: Whether those that are known lacked one.

        Raises:
            PlatformError: The platform does not answer, and no keys of it are known.
        """
        with self._lock:
            known, now = self._known.get(url), self._clock()
            if known is not None and now < known[0] + (_NEWER if newer else _KEPT):
                return known[1]
            keys = _read(ask(url))
            self._known[url] = now, keys
            return keys


def _read(asked: Asked) -> KeySet:
    """RSA keys alone: no other signature is taken, and a platform may have others for others."""
    found = asked.json.get("keys") if isinstance(asked.json, dict) else None
    if not isinstance(found, list):
        raise PlatformError("the platform has no keys there", where=asked.url)
    try:
        keys = [
            RSAKey.import_key(each) for each in found if isinstance(each, dict) and each.get("kty") == "RSA"
        ]
    except (JoseError, ValueError) as error:
        raise PlatformError(
            "a key of the platform cannot be read", where=asked.url, found=str(error)
        ) from error
    return KeySet([*keys])
