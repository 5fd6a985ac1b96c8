"""How often Python looks for circular garbage while a server answers.

By default it looks after each 700 objects, and now and then through all that the server holds: a page makes
some thousands, and what a class of ten thousand is held by is looked through in the middle of one. What pages
leave behind is freed as they end, but for a little that goes round in circles.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["fewer_collections"]

#: Objects made until the young are looked through, such looks until the older are, and until all are.
_SELDOM = (50_000, 20, 20)

_lock = threading.Lock()
_serving = 0
_before = gc.get_threshold()


@contextmanager
def fewer_collections() -> Iterator[None]:
    """While a server answers, beside others; what was there before it is looked through no more.

    Where the process looks more seldom already, as libraries make it, that stays.
    """
    global _serving, _before
    with _lock:
        if not _serving:
            _before = gc.get_threshold()
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_at_least(_before))
        _serving += 1
    try:
        yield
    finally:
        with _lock:
            _serving -= 1
            if not _serving:
                gc.set_threshold(*_before)
                gc.unfreeze()


def _at_least(before: tuple[int, int, int]) -> tuple[int, int, int]:
    if not before[0]:  # 0: Python never looks by itself, and whoever said so has reasons
        return before
    first, second, third = (max(pair) for pair in zip(_SELDOM, before, strict=True))
    return first, second, third
