"""An open store: the history in its database, and the folder of large things beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import UsageError
from grader.store import schema
from grader.store.blobs import BlobFolder
from grader.store.engine import Database, is_url, place_of, plain_errors, shown, use_write_ahead_log
from grader.store.history import History, WritableHistory
from grader.store.records import NewAttempt, RubricRecord
from grader.store.rubrics import LoadedRubric, RubricMemory

if TYPE_CHECKING:
    from grader.evidence.codec import Bundle

__all__ = ["Store", "open_store", "utc_now"]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """A history of marks with its evidence folder. Safe to share between threads.

    Attributes:
        database: For this package only.
        blobs: Notebooks, plans and evidence by digest.
        clock: Where the time comes from.
    """

    def __init__(self, database: Database, blobs: BlobFolder, clock: Callable[[], datetime]) -> None:
        self.database = database
        self.blobs = blobs
        self.clock = clock
        self._rubrics = RubricMemory()

    @property
    def location(self) -> str:
        """As the user gave it, for messages."""
        return self.database.location

    @contextmanager
    def reading(self) -> Iterator[History]:
        """A consistent view.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self.database.reading() as session:
            yield History(session)

    @contextmanager
    def writing(self) -> Iterator[WritableHistory]:
        """A transaction that keeps all others from writing until its end: all of it happens, or nothing.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self.database.writing() as session:
            yield WritableHistory(session)

    def evidence(self, attempt: NewAttempt) -> Bundle:
        """What an attempt left.

        Raises:
            StoreError: It is gone or was changed.
            EvidenceError: It does not fit this version's schema.
        """
        from grader.evidence.codec import decode

        raw = self.blobs.get(attempt.evidence)
        return decode(raw, limit_bytes=len(raw))

    def rubric(self, record: RubricRecord) -> LoadedRubric:
        """A rubric of the history, read once.

        Raises:
            RubricError: This version of the grader no longer knows a check or a key of it.
        """
        return self._rubrics.recall(record)

    def newest_rubric(self, assignment: str) -> LoadedRubric:
        """The rubric that the assignment's newest verdict stands on.

        Raises:
            UsageError: Nothing of this assignment was judged yet.
            RubricError: As `rubric`.
        """
        with self.reading() as history:
            newest = history.newest_rubric(assignment)
        if newest is None:
            raise UsageError(
                f"no verdict on {assignment} yet, so there is no rubric to take",
                todo="name one with --rubric",
            )
        return self.rubric(newest)

    def disconnect(self) -> None:
        """Closes what is open, as before a fork; the next transaction connects anew."""
        self.database.disconnect()

    def close(self) -> None:
        self.disconnect()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
    database = Database(location, busy_timeout_s=busy_timeout_s)
    store = Store(database, BlobFolder(evidence or _evidence_folder(location)), clock)
    try:
        _require_schema(database, create, busy_timeout_s)
    except BaseException:
        store.close()
        raise
    return store


def _require_schema(database: Database, create: bool, busy_timeout_s: float) -> None:
    """Looks before it writes anything: what is not ours stays as it is, byte for byte."""
    with database.reading() as session:
        new = schema.revision_of(session.connection()) is None
        if not new:
            schema.require_newest(session.connection())
    if new and not create:
        raise _nothing_there(database.location)
    with plain_errors(database.location):
        use_write_ahead_log(database.engine, busy_timeout_s=busy_timeout_s)
    if new:
        with database.writing() as session:
            # Looked at again under the lock: another process may have made it meanwhile.
            if schema.revision_of(session.connection()) is None:
                schema.migrate(session.connection())
    with database.reading() as session:
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
        where=shown(location),
        todo="run `grader run SUBMISSIONS` first, or give the database with --db",
    )


def _evidence_folder(location: str) -> Path:
    return Path("grader.evidence") if is_url(location) else Path(f"{location}.evidence")
