"""Readers of one moment: all that a thread reads for a page is read in one transaction, and agrees.

A page asks some ten use cases, each of which would begin a transaction of its own; to begin them takes longer
than what most of them ask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.orm import Session

__all__ = ["Moments", "kept", "of_moment", "writes_alone"]

ValueT = TypeVar("ValueT")

#: Under which a session keeps what it was answered.
_KNOWN = "known of the moment"


class Moments(threading.local):
    """What each thread reads by, where all that it reads is to be of one moment.

    Args:
        begin: Begins a transaction.

    Attributes:
        lasts: Whether this thread is in a moment.
    """

    def __init__(self, begin: Callable[[], Session]) -> None:
        self.lasts = False
        self._begin = begin
        self._held: Session | None = None
        self._asked = 0

    def begin(self) -> None:
        """Lets this thread be in a moment.

        Its transaction begins at once: who waits for a connection later may hold what others wait for.
        """
        self._held, self.lasts = self._begin(), True

    def end(self) -> None:
        self.lasts = False
        self.renew()

    def renew(self) -> None:
        """Lets the next reader of this thread begin another transaction, unless one is reading just now."""
        if self._held is not None and not self._asked:
            self._held.close()
            self._held = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The session of the moment."""
        session = self._held = self._held or self._begin()
        self._asked += 1
        try:
            yield session
        except BaseException:
            # After an error a server answers nothing more within the same transaction.
            self._held = None
            session.close()
            raise
        finally:
            self._asked -= 1


def writes_alone(session: Session) -> bool:
    """Whether nobody else can write to the history until this transaction ends."""
    return bool(session.connection().get_execution_options().get("writes", False))


def of_moment(session: Session, name: Hashable, ask: Callable[[], ValueT]) -> ValueT:
    """What is the same as long as a reader's transaction lasts, asked once; who writes asks each time.

    Args:
        session: To read by.
        name: Tells the question from others.
        ask: Asks it; nobody may change what it gives.
    """
    return ask() if writes_alone(session) else kept(session, name, ask)


def kept(session: Session, name: Hashable, ask: Callable[[], ValueT]) -> ValueT:
    """As `of_moment`, of a session that is known to be a reader's."""
    known: dict[Hashable, Any] = session.info.setdefault(_KNOWN, {})
    if name not in known:
        known[name] = ask()
    value: ValueT = known[name]
    return value
