"""Pages that were drawn, kept as long as what they show is the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["Drawn"]

#: Each is as long as the pictures that an answer has.
_MOST = 100


class Drawn:
    """The newest pages. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, tuple[object, str]] = OrderedDict()

    def get(self, name: Hashable, shows: object, draw: Callable[[], str]) -> str:
        """A page, drawn again unless it was drawn of this very object.

        Args:
            name: Tells it from others.
            shows: What it shows.
            draw: Draws it.
        """
        with self._lock:
            of, html = self._pages.get(name, (None, ""))
        if of is not shows:
            html = draw()
            with self._lock:
                self._pages[name] = shows, html
                self._pages.move_to_end(name)
                while len(self._pages) > _MOST:
                    self._pages.popitem(last=False)
        return html
