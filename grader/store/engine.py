"""Connections and transactions: who may write when, and plain words for a database that is locked."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from grader.errors import StoreError, UsageError

__all__ = [
    "Database",
    "connect",
    "is_url",
    "place_of",
    "plain_errors",
    "shown",
    "url_of",
    "use_write_ahead_log",
]

#: Any number that no other program on the server uses for its advisory locks.
_WRITER_LOCK = 0x67726164
_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON")
_WAL_PAUSE_S = 0.01
_PRIVATE = re.compile("user|password", re.IGNORECASE)
_IN_MEMORY = (None, "", ":memory:")


def is_url(location: str) -> bool:
    return "://" in location


def place_of(location: str) -> str:
    """Turns the URL of a SQLite file into the file's name, so that both are treated alike."""
    if not is_url(location):
        return location
    try:
        url = make_url(location)
    except ArgumentError:
        return location
    is_file = url.get_backend_name() == "sqlite" and not url.query and url.database not in _IN_MEMORY
    return str(url.database) if is_file else location


def shown(location: str) -> str:
    """How messages name a database: a URL without its name and password."""
    if not is_url(location):
        return location
    try:
        url = make_url(location)
    except ArgumentError:
        return location.split("://")[0]
    named = {key: value for key, value in url.query.items() if not _PRIVATE.search(key)}
    kept = URL.create(url.drivername, host=url.host, port=url.port, database=url.database, query=named)
    return kept.render_as_string().split("://", 1)[1]


def url_of(location: str) -> str:
    """Gives the SQLAlchemy URL of a file name; a URL stays as it is."""
    return location if is_url(location) else f"sqlite:///{Path(location).absolute()}"


class Database:
    """Transactions on one database. Safe to share between threads.

    Attributes:
        location: As the user gave it, for messages.
    """

    def __init__(self, location: str, *, busy_timeout_s: float) -> None:
        self.location = location
        self.engine = connect(location, busy_timeout_s=busy_timeout_s)
        reading, writing = _isolation(self.engine)
        self._reading = sessionmaker(self.engine.execution_options(**reading))
        self._writing = sessionmaker(self.engine.execution_options(writes=True, **writing))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with plain_errors(self.location), self._reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its beginning: all of it happens, or nothing.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with plain_errors(self.location), self._writing.begin() as session:
            session.connection()
            yield session

    def disconnect(self) -> None:
        """Closes what is open; the next transaction connects anew."""
        self.engine.dispose()


def _isolation(engine: Engine) -> tuple[dict[str, str], dict[str, str]]:
    """Options for readers and for writers, whatever the server's own default is.

    A writer that waited for another must see what that one wrote; its snapshot would be taken before.
    SQLite's readers see one moment anyway, and its writers begin once they have the lock.
    """
    if engine.dialect.name != "postgresql":
        return {}, {}
    return {"isolation_level": "REPEATABLE READ"}, {"isolation_level": "READ COMMITTED"}


def connect(location: str, *, busy_timeout_s: float) -> Engine:
    """Makes an engine whose transactions write only where ``execution_options(writes=True)`` says so.

    Raises:
        UsageError: The URL is malformed, or its driver is not installed.
    """
    try:
        url = make_url(url_of(location))
        engine = create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            "this database URL cannot be used",
            where=location.split("://")[0],
            expected="a file, or an SQLAlchemy URL such as postgresql+psycopg://user@host/name",
            found=str(error),
            todo="PostgreSQL needs the extra: pip install 'grader[postgresql]'",
        ) from error
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine, busy_timeout_s)
    if engine.dialect.name == "postgresql":
        _set_up_postgresql(engine, busy_timeout_s)
    return engine


def _set_up_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _entry: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin too late and end on DDL: we begin them ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={round(busy_timeout_s * 1000)}")
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # IMMEDIATE takes the lock before reading, so that two writers queue instead of failing half-way.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def use_write_ahead_log(engine: Engine, *, busy_timeout_s: float) -> None:
    """Lets readers and a writer work side by side. It writes to the file, so it must be known as ours.

    SQLite answers "locked" to this one statement at once, without regard to its own busy timeout, since two
    who each held a read lock would wait for each other.

    Source: https://www.sqlite.org/c3ref/busy_handler.html
    """
    if engine.dialect.name != "sqlite":
        return
    # Below SQLAlchemy, which would begin a transaction first.
    connection = engine.raw_connection()
    try:
        _switch(connection.cursor(), time.monotonic() + busy_timeout_s)
    except sqlite3.Error as error:
        raise OperationalError("PRAGMA journal_mode=WAL", None, error) from error
    finally:
        connection.close()


def _switch(cursor: DBAPICursor, end: float) -> None:
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return


def _set_up_postgresql(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # One writer at a time, as on SQLite: the history is one chain, and a job has one owner. The lock is
        # no table's, so that it holds before the first migration as well.
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(busy_timeout_s * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")


@contextmanager
def plain_errors(location: str) -> Iterator[None]:
    """Turns the driver's errors into a StoreError that says what to do.

    Raises:
        StoreError: The database is locked, damaged, read-only, full or out of reach.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explain(str(error.orig), location) from error


def _explain(said: str, location: str) -> StoreError:
    where = shown(location)
    for part, (what, todo) in _KNOWN.items():
        if part in said:
            return StoreError(what, where=where, found=said, todo=todo)
    return StoreError("the database refused", where=where, found=said, todo="run `grader doctor`")


_KNOWN = {
    "database is locked": (
        "the database is locked by another program",
        "end the program that holds it (a database browser with unsaved changes?), then run again",
    ),
    "lock timeout": (
        "the database is locked by another program",
        "end the program that holds it, then run again",
    ),
    "connection": (
        "the database server does not answer",
        "check that it runs, and the host, name and password in the URL",
    ),
    "file is not a database": (
        "this file is no database",
        "give another file to --db, or move this one away",
    ),
    "unable to open database file": (
        "the database cannot be opened",
        "check that its folder exists and is yours",
    ),
    "readonly database": ("the database may not be written", "check the file's and its folder's permissions"),
    "disk is full": ("the disk is full", "make room, then run again: nothing is lost"),
    "malformed": (
        "the database is damaged",
        "put a backup in its place (`grader db backup` makes them), or ask for help before anything else",
    ),
    "is append-only": ("the history of marks may not be changed", "add a new decision instead"),
}
