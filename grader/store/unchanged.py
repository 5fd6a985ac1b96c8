"""What is worked out once and held for all who read, until anybody writes to the database, in any process.

Most of what a page asks is the same for everybody: the zone, the rubrics, the dates, what is released. To ask
it again costs more than all that is the student's own. Whether it is still so is asked of the database itself
as each reader begins, so that nothing has to remember to drop it, and no other process has to tell.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from grader.store.moments import kept

__all__ = ["PAST", "Unchanged", "nothing_held", "of_change", "was_used"]

ValueT = TypeVar("ValueT")

#: Under which a session says up to which row it reads, where that is in the past.
PAST = "past"
#: Under which a session keeps what is held of what it reads, and under which a connection keeps what it saw.
_STATE, _SEEN = "state", "data_version"
#: Under which a session says that rows are hidden from it.
_HIDES = "rows hidden"
#: So many are held; the ones asked for longest ago go first.
_MOST = 2000
_VERSION = "PRAGMA data_version"


class Unchanged:
    """What is held of one database. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: int | str = 0
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def look(self, session: Session) -> None:
        """Finds out whether anybody wrote since others read, as a reader's transaction begins.

        Raises:
            DBAPIError: The database does not answer.
        """
        # Read before the transaction sees anything: whoever counted up to here had seen no later state.
        before = self._state
        connection = session.connection()
        state: int | str | None = None
        if connection.dialect.name == "sqlite":
            state = self._of_sqlite(connection, before)
        elif connection.dialect.name == "postgresql":
            state = self._of_postgresql(connection)
        session.info[_STATE] = self, state

    def _of_sqlite(self, connection: Connection, before: int | str) -> int | None:
        """A number that nobody has who sees something else; None where two find a change at once.

        A connection is told that others wrote, and not what: the first one to be told counts up. Who finds
        that somebody else counted up meanwhile cannot know whether for the same change, and holds nothing.

        Source: https://www.sqlite.org/pragma.html#pragma_data_version
        """
        raw = connection.connection.dbapi_connection
        assert raw is not None
        try:
            # Below SQLAlchemy, where asking takes a fraction of the time.
            [version] = raw.cursor().execute(_VERSION).fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(_VERSION, None, error) from error
        assert isinstance(before, int)
        if connection.info.get(_SEEN) == version:
            return before
        connection.info[_SEEN] = version
        with self._lock:
            alone = self._state == before
            assert isinstance(self._state, int)
            self._state += 1
            self._held.clear()
            return self._state if alone else None

    def _of_postgresql(self, connection: Connection) -> str:
        """Which transactions are seen: whoever sees the same ones sees the same rows.

        Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
        """
        state = str(connection.exec_driver_sql("SELECT txid_current_snapshot()").scalar_one())
        with self._lock:
            if self._state != state:
                self._state = state
                self._held.clear()
        return state

    def held(self, state: int | str, name: Hashable, ask: Callable[[], ValueT]) -> ValueT:
        """What was worked out in this very state, or is now."""
        with self._lock:
            if self._state == state and name in self._held:
                self._held.move_to_end(name)
                value: ValueT = self._held[name]
                return value
        value = ask()
        with self._lock:
            if self._state == state:
                self._held[name] = value
                while len(self._held) > _MOST:
                    self._held.popitem(last=False)
        return value


def was_used(connection: Connection) -> None:
    """Says that a connection may write: it is told of no change that is its own."""
    connection.info.pop(_SEEN, None)


def of_change(session: Session, name: Hashable, ask: Callable[[], ValueT]) -> ValueT:
    """What is the same as long as nobody writes to the database, asked once; who writes asks each time.

    Args:
        session: To read by.
        name: Tells the question from others.
        ask: Asks it by this session alone; nobody may change what it gives, and no row may be in it.
    """
    unchanged, state = session.info.get(_STATE, (None, None))
    if unchanged is None or session.info.get(_HIDES):
        # Whoever writes has not looked.
        return ask()
    named = name, session.info.get(PAST)
    if state is None:
        return kept(session, named, ask)
    held: Callable[[], ValueT] = partial(unchanged.held, state, named, ask)
    return kept(session, named, held)


@contextmanager
def nothing_held(session: Session) -> Iterator[None]:
    """While rows are hidden from a session: what it reads is not to be held, nor what is held for it."""
    session.info[_HIDES] = session.info.get(_HIDES, 0) + 1
    try:
        yield
    finally:
        session.info[_HIDES] -= 1
