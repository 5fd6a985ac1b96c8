"""An open database: transactions, and the folder of large things beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from grader.errors import UsageError
from grader.store import schema
from grader.store.blobs import BlobFolder
from grader.store.engine import connect, is_url, place_of, plain_errors, use_write_ahead_log

__all__ = ["Store", "open_store", "utc_now"]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """A database and its evidence folder. Safe to share between threads.

    Attributes:
        location: As the user gave it, for messages.
        blobs: Notebooks, plans and evidence by digest.
        clock: Where the time comes from.
    """

    def __init__(
        self, engine: Engine, blobs: BlobFolder, location: str, clock: Callable[[], datetime]
    ) -> None:
        self.engine = engine
        self.blobs = blobs
        self.location = location
        self.clock = clock
        reading, writing = _isolation(engine)
        self._reading = sessionmaker(engine.execution_options(**reading), expire_on_commit=False)
        self._writing = sessionmaker(engine.execution_options(writes=True, **writing), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view; rows stay readable after it is closed.

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

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _isolation(engine: Engine) -> tuple[dict[str, str], dict[str, str]]:
    """Options for readers and for writers, whatever the server's own default is.

    A writer that waited for another must see what that one wrote; its snapshot would be taken before.
    SQLite's readers see one moment anyway, and its writers begin once they have the lock.
    """
    if engine.dialect.name != "postgresql":
        return {}, {}
    return {"isolation_level": "REPEATABLE READ"}, {"isolation_level": "READ COMMITTED"}


def open_store(
    location: str,
    *,
    evidence: Path | None = None,
    create: bool = True,
    busy_timeout_s: float = 30.0,
    clock: Callable[[], datetime] = utc_now,
) -> Store:
    """Opens a database, making a new one where there is none.

    Args:
        location: A file, or an SQLAlchemy URL.
        evidence: Folder of large things; by default ``<file>.evidence``, or ``grader.evidence`` in the
            current folder for a database server.
        create: Whether a new database may be made.
        busy_timeout_s: How long to wait for another writer.
        clock: Gives the time in UTC.

    Raises:
        UsageError: The folder or the file is not there, or the URL cannot be used.
        StoreError: The database is locked, another program's, or of another version.
    """
    location = place_of(location)
    if not is_url(location):
        _require_place(Path(location), create)
    store = Store(
        connect(location, busy_timeout_s=busy_timeout_s),
        BlobFolder(evidence or _evidence_folder(location)),
        location,
        clock,
    )
    try:
        _require_schema(store, create, busy_timeout_s)
    except BaseException:
        store.close()
        raise
    return store


def _require_schema(store: Store, create: bool, busy_timeout_s: float) -> None:
    """Looks before it writes anything: what is not ours stays as it is, byte for byte."""
    with store.reading() as session:
        new = schema.revision_of(session.connection()) is None
        if not new:
            schema.require_newest(session.connection())
    if new and not create:
        raise _nothing_there(store.location)
    with plain_errors(store.location):
        use_write_ahead_log(store.engine, busy_timeout_s=busy_timeout_s)
    if new:
        with store.writing() as session:
            # Looked at again under the lock: another process may have made it meanwhile.
            if schema.revision_of(session.connection()) is None:
                schema.upgrade(session.connection())
    with store.reading() as session:
        schema.require_newest(session.connection())


def _require_place(path: Path, create: bool) -> None:
    if path.is_dir():
        raise UsageError("the database is a folder", where=str(path), expected="a file, as grader.db")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            "the folder of the database is not there",
            where=str(path.parent),
            todo="make it, or give another --db",
        )
    if not create and not path.exists():
        raise _nothing_there(str(path))


def _nothing_there(location: str) -> UsageError:
    return UsageError(
        "there is no database with marks here",
        where=location.rsplit("@", 1)[-1],
        todo="run `grader run SUBMISSIONS` first, or give the database with --db",
    )


def _evidence_folder(location: str) -> Path:
    return Path("grader.evidence") if is_url(location) else Path(f"{location}.evidence")
