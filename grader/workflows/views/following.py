"""What was worked out of a class and follows the history from request to request.

Nothing is decided by what is kept so: the newest row of the history says whether it is right, and whatever a
newer row concerns is read again.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

from grader.errors import UsageError
from grader.store import History, Store

__all__ = ["Following", "following"]

#: After so many rows of the history all is read again.
_FOLLOWED = 300


class Following(ABC):
    """Something about one assignment.

    Args:
        assignment: Which work.

    Attributes:
        lock: Held while it follows, and by whoever reads it.
        newest: The row of the history up to which it followed; -1 before the first.
        stood_on: What `stands_on` said when it followed last.
    """

    def __init__(self, assignment: str) -> None:
        self.assignment = assignment
        self.lock = threading.Lock()
        self.newest = -1
        self.stood_on: Hashable = None

    def stands_on(self, history: History) -> Hashable:
        """What it stands on beside whom rows of the history concern; `read` is asked where that is another.

        It costs each page a question, so that it is a short one.
        """
        return None

    def concerned(self, history: History, seq: int) -> Collection[str] | None:
        """Whose works rows after this one concern; None where that may be everybody's."""
        return history.students_since(self.assignment, seq)

    @abstractmethod
    def forget(self) -> None:
        """Empties what is kept."""

    @abstractmethod
    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        """Reads the works of these students again, or of all where it is None and nothing is kept.

        Nobody is named where only what stands beside the history is another than `stood_on`.

        Raises:
            UsageError: What it is about is not there.
        """

    def follow(self, store: Store) -> None:
        """Reads what is new since it was asked before.

        Raises:
            UsageError: What it is about is not there.
            StoreError: The database is out of reach; all is read again by whoever asks next.
        """
        with store.reading() as history:
            newest, beside = history.newest_row(), self.stands_on(history)
        if (newest, beside) == (self.newest, self.stood_on):
            return
        if newest < self.newest:
            # Somebody else let it follow since this thread's moment began.
            store.renew_moment()
        with store.reading() as history:
            newest, beside = history.newest_row(), self.stands_on(history)
            if (newest, beside) == (self.newest, self.stood_on):
                return
            try:
                few = 0 <= self.newest <= newest <= self.newest + _FOLLOWED
                changed = self.concerned(history, self.newest) if few else None
                if changed is None:
                    self.forget()
                if changed is None or changed or beside != self.stood_on:
                    self.read(store, history, changed)
            except BaseException:
                self.newest = -1
                raise
        self.newest, self.stood_on = newest, beside


FollowingT = TypeVar("FollowingT", bound=Following)

_KEPT: WeakKeyDictionary[Store, OrderedDict[Hashable, Following]] = WeakKeyDictionary()
_ONE = threading.Lock()
#: Of each kind so many for each database: one criterion of ten thousand students takes some 20 MB.
_MOST = 24


@contextmanager
def following(store: Store, make: Callable[[], FollowingT], *name: Hashable) -> Iterator[FollowingT]:
    """Something as it stands now, while nobody else reads it or lets it follow.

    Args:
        store: What it is of.
        make: Makes an empty one.
        name: Tells it from others of its kind; its kind first.

    Raises:
        UsageError: What it is about is not there.
        StoreError: The database is out of reach.
    """
    with _ONE:
        kept = _KEPT.setdefault(store, OrderedDict())
        found = kept.pop(name, None) or make()
        kept[name] = found
        same = [other for other in kept if isinstance(other, tuple) and other[0] == name[0]]
        for other in same[:-_MOST]:
            del kept[other]
    # In this order: who waits for a connection lets nobody wait for the lock.
    with store.moment(), found.lock:
        try:
            found.follow(store)
        except UsageError:
            with _ONE:
                kept.pop(name, None)
            raise
        yield found  # type: ignore[misc]
