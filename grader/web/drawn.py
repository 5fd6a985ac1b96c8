"""Pages that were drawn, kept as long as what they show is the same, or where many read them by value.

Once somebody is erased, none is left that was drawn before: who reads an older moment keeps nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["Drawn", "DrawnByValue"]

#: Each is as long as the pictures that an answer has.
_MOST = 100
#: Of pages by value so many characters together; a long notebook with plots has a million.
_CHARACTERS = 64 * 1024 * 1024


class Drawn:
    """The newest pages. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, tuple[object, str]] = OrderedDict()
        self._erased = 0

    def forget(self, erased: int) -> None:
        """Lets go of all pages that may show what was erased by this change."""
        with self._lock:
            if erased > self._erased:
                self._erased = erased
                self._pages.clear()

    def names(self) -> list[Hashable]:
        """Of all that are kept."""
        with self._lock:
            return list(self._pages)

    def get(self, name: Hashable, shows: object, draw: Callable[[], str], *, erased: int) -> str:
        """A page, drawn again unless it was drawn of this very object.

        Args:
            name: Tells it from others.
            shows: What it shows.
            draw: Draws it.
            erased: See `Store.erased`, of the moment that it is drawn of.
        """
        with self._lock:
            of, html = self._pages.get(name, (None, ""))
        if of is not shows:
            html = draw()
            with self._lock:
                if erased < self._erased:
                    return html
                self._pages[name] = shows, html
                self._pages.move_to_end(name)
                while len(self._pages) > _MOST:
                    self._pages.popitem(last=False)
        return html


class DrawnByValue:
    """The pages asked for last, each under all that it was drawn of. Safe to share between threads.

    What else changes drops nothing, and nothing has to be dropped: a page that would be drawn otherwise has
    another name. Whoever names one says whose it is as well.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, str] = OrderedDict()
        self._characters = 0
        self._erased = 0

    def forget(self, erased: int) -> None:
        """Lets go of all pages, as one of them may be of whom this change erased."""
        with self._lock:
            if erased > self._erased:
                self._erased, self._characters = erased, 0
                self._pages.clear()

    def get(self, name: Hashable, draw: Callable[[], str], *, erased: int) -> str:
        """A page, drawn unless it is there.

        Args:
            name: All that it is drawn of, by value.
            draw: Draws it.
            erased: See `Store.erased`, of the moment that it is drawn of.
        """
        with self._lock:
            if name in self._pages:
                self._pages.move_to_end(name)
                return self._pages[name]
        html = draw()
        with self._lock:
            if erased < self._erased:
                return html
            if name not in self._pages and len(html) <= _CHARACTERS:
                self._pages[name] = html
                self._characters += len(html)
            while self._characters > _CHARACTERS:
                _, dropped = self._pages.popitem(last=False)
                self._characters -= len(dropped)
        return html
