"""Connections and transactions: who may write when, and plain words for a database that is locked."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from grader.errors import GraderError, StoreError, StoreUnavailable, UsageError
from grader.store.moments import Moments
from grader.store.names import book_of
from grader.store.read_only import ReadOnlyFile, may_write
from grader.store.unchanged import Unchanged, was_used

__all__ = [
    "ERASED",
    "NOT_UTF_8",
    "Database",
    "connect",
    "is_url",
    "place_of",
    "plain_errors",
    "rewrite_file",
    "shown",
    "url_of",
    "use_write_ahead_log",
]

#: Any number that no other program on the server uses for its advisory locks.
_WRITER_LOCK = 0x67726164
#: Pages of the log after which a commit puts them into the file, and keeps all that wait with it: in a rush
#: each few seconds by SQLite's own 1000.
_LOGGED = 4000
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    f"wal_autocheckpoint={_LOGGED}",
)
_WAL_PAUSE_S = 0.01
_PRIVATE = re.compile("user|password", re.IGNORECASE)
#: Under which a reader's session keeps up to which change it surely sees erased what was erased.
ERASED = "erased up to"
#: What SQLite's driver says of text that is none.
NOT_UTF_8 = "Could not decode to UTF-8"
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
        at_start: What each transaction on the history does first.
        at_end: What each writing transaction does last, before it is kept.
        at_failure: What is done for one that is not kept, once that is known.
        explain: Told of an error that nobody expected while rows were read; gives the one to raise in its
            place, None where no row is to blame.
    """

    def __init__(self, location: str, *, busy_timeout_s: float) -> None:
        self.location = location
        self.at_start: Callable[[Session], None] = lambda session: None
        self.at_end: Callable[[Session], None] = lambda session: None
        self.at_failure: Callable[[Session], None] = lambda session: None
        self.explain: Callable[[Exception], GraderError | None] = lambda error: None
        is_copy = not is_url(location) and Path(location).is_file() and not may_write(Path(location))
        self._copy = ReadOnlyFile(Path(location)) if is_copy else None
        url = None if self._copy is None else self._copy.url
        self.engine = connect(location, busy_timeout_s=busy_timeout_s, url=url)
        self._busy_timeout_s = busy_timeout_s
        self._one_writer = threading.Lock()
        self._moments = Moments(self._begin)
        self._unchanged = Unchanged()
        reading, writing = _isolation(self.engine)
        self._reading = sessionmaker(self.engine.execution_options(reads=True, **reading))
        self._writing = sessionmaker(self.engine.execution_options(writes=True, **writing))
        self._queueing = sessionmaker(self.engine.execution_options(queues=True, **writing))

    @property
    def read_only(self) -> bool:
        """Whether it is a file that cannot be written where it lies."""
        return self._copy is not None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self._plainly():
            if self._moments.lasts:
                with self._moments.reading() as session:
                    yield session
                return
            with self._reading() as session:
                self._look(session)
                yield session

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Lets all that this thread reads until the end be of one moment, in one transaction.

        It begins at once, so that nobody who holds a lock that others wait for waits for a connection. What
        the thread writes meanwhile ends it; whoever reads then begins another one.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        if self._moments.lasts:
            yield
            return
        with self._plainly():
            self._moments.begin()
        try:
            yield
        finally:
            self._moments.end()

    def renew_moment(self) -> None:
        """Lets the next reader of this thread begin another moment, unless one is reading just now."""
        self._moments.renew()

    def _begin(self) -> Session:
        """A reader's session, which whoever asks closes."""
        session = self._reading()
        try:
            self._look(session)
        except BaseException:
            session.close()
            raise
        return session

    def _look(self, session: Session) -> None:
        """Begins a reader's transaction."""
        # Read before it sees anything: all that was erased up to here it sees erased.
        session.info[ERASED] = book_of(self.engine.dialect).erased
        self._unchanged.look(session)
        self.at_start(session)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its beginning: all of it happens, or nothing.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self._turn(), self._plainly(), self._noting_failure() as session, session.begin():
            session.connection()
            self.at_start(session)
            yield session
            self.at_end(session)

    @contextmanager
    def _noting_failure(self) -> Iterator[Session]:
        with self._writing() as session:
            try:
                yield session
            except BaseException:
                self.at_failure(session)
                raise

    @contextmanager
    def queueing(self) -> Iterator[Session]:
        """A transaction on the queue alone, beside a writer of the history where the database can do that.

        It may touch rows that are its own or that it has locked by itself, nothing of the history.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        self.renew_moment()
        turn = self._turn() if self.engine.dialect.name == "sqlite" else nullcontext()
        with turn, self._plainly(), self._queueing.begin() as session:
            session.connection()
            yield session

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Errors of the driver, and of values that no row can hold, in words that say what to do."""
        try:
            with plain_errors(self.location):
                yield
        except (GraderError, OSError) as error:
            if not isinstance(error.__cause__, DBAPIError) or NOT_UTF_8 not in str(error.__cause__):
                raise
            raise self.explain(error) or error from error
        except Exception as error:
            told = self.explain(error)
            if told is None:
                raise
            raise told from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Lets one thread at a time wait for the database's lock, which holds no moment meanwhile.

        More of them would hold all connections of this process, so that claims went without, and SQLite's
        waiters look for the lock now and then, in no order.
        """
        self.renew_moment()
        if not self._one_writer.acquire(timeout=self._busy_timeout_s):
            raise _explain("database is locked", self.location, lost=False)
        try:
            yield
        finally:
            self._one_writer.release()

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


def connect(location: str, *, busy_timeout_s: float, url: URL | None = None) -> Engine:
    """Makes an engine whose transactions write only where ``execution_options(writes=True)`` says so.

    Args:
        location: As the user gave it.
        busy_timeout_s: How long to wait for another writer.
        url: Of the same, where it is to be opened in another way.

    Raises:
        UsageError: The URL is malformed, or its driver is not installed.
    """
    try:
        url = url or make_url(url_of(location))
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
        options = connection.get_execution_options()
        writes = options.get("writes", False) or options.get("queues", False)
        if not options.get("reads", False):
            was_used(connection)
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


def rewrite_file(engine: Engine) -> bool:
    """Writes a SQLite file anew without its free space, in which deleted rows are still to be read.

    Returns:
        Whether that was done: another kind of database has tools of its own, and whoever reads or writes
        the file meanwhile keeps it from being done.

    Source: https://www.sqlite.org/lang_vacuum.html
    """
    if engine.dialect.name != "sqlite":
        return False
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        # What was there before stands in the log until that is put into the file and cut off.
        [busy, *_] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return not busy


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
    # Before SQLAlchemy's own first questions, which stumble over the answers of such a server.
    @event.listens_for(engine, "connect", insert=True)
    def on_connect(connection: Any, _entry: ConnectionPoolEntry) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                "this database cannot hold every name and comment",
                where=str(connection.info.dbname),
                expected="the encoding UTF8",
                found=str(encoding),
                todo="make one that can: createdb --encoding UTF8 --template template0 NAME",
            )

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # One writer at a time, as on SQLite: the history is one chain. The lock is no table's, so that it
        # holds before the first migration as well. The queue has a lock for each row, and goes without.
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout = {round(busy_timeout_s * 1000)};"
                f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"
            )


@contextmanager
def plain_errors(location: str) -> Iterator[None]:
    """Turns the driver's errors into a StoreError that says what to do.

    Raises:
        StoreUnavailable: The database is locked or out of reach.
        StoreError: It is damaged, read-only or full.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explain(str(error.orig), location, lost=error.connection_invalidated) from error


def _explain(said: str, location: str, *, lost: bool) -> StoreError:
    """The error in plain words.

    Args:
        said: By the driver.
        location: Of the database.
        lost: Whether the driver found its connection broken.
    """
    where = shown(location)
    if _NOT_LET_IN.search(said):
        return StoreError(
            "the database server lets nobody in by this URL", where=where, found=said, todo=_URL
        )
    for part, (what, todo) in _FOR_A_WHILE.items():
        if part in said or (lost and part == _CONNECTION):
            return StoreUnavailable(what, where=where, found=said, todo=todo)
    for part, (what, todo) in _KNOWN.items():
        if part in said:
            return StoreError(what, where=where, found=said, todo=todo)
    return StoreError("the database refused", where=where, found=said, todo="run `grader doctor`")


_CONNECTION = "connection"
_URL = "check the host, name, password and database in the URL"
#: A server that answers and refuses: asked again a minute later, it refuses again.
_NOT_LET_IN = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|not permitted to log in"
    r'|FATAL:\s+(database|role) ".*" does not exist|failed to resolve host'
)
#: What may be otherwise a minute later.
_FOR_A_WHILE = {
    "database is locked": (
        "the database is locked by another program",
        "end the program that holds it (a database browser with unsaved changes?), then run again",
    ),
    "lock timeout": (
        "the database is locked by another program",
        "end the program that holds it, then run again",
    ),
    _CONNECTION: (
        "the database server does not answer",
        f"check that it runs; {_URL}",
    ),
}
_KNOWN = {
    "file is not a database": (
        "this file is no database",
        "give another file to --db, or move this one away",
    ),
    "unable to open database file": (
        "the database cannot be opened",
        "check that its folder exists and is yours",
    ),
    "readonly database": (
        "the database may not be written",
        "check the file's and its folder's permissions; a copy can be shown, exported and audited as it is",
    ),
    "disk is full": ("the disk is full", "make room, then run again: nothing is lost"),
    "malformed": (
        "the database is damaged",
        "put a backup in its place (`grader db backup` makes them), or ask for help before anything else",
    ),
    "is append-only": ("the history of marks may not be changed", "add a new decision instead"),
}
