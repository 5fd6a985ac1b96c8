"""`grader db`: which version of the schema a database has, bringing it to the newest, and backups."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from grader.errors import StoreError, UsageError
from grader.store.copying import copy_rows
from grader.store.engine import connect, is_url, place_of, plain_errors
from grader.store.enrolling import catch_up
from grader.store.read_only import ReadOnlyFile, may_write
from grader.store.standing import reproject

__all__ = [
    "REVISIONS",
    "backup",
    "bring_up",
    "in_words",
    "migrate",
    "require_new_file",
    "require_newest",
    "revision_of",
    "transaction",
    "upgrade",
]

_MIGRATIONS = Path(__file__).with_name("migrations")
_AFTER = re.compile(r'^down_revision = (?:"(\w+)"|None)', re.MULTILINE)


def _released() -> tuple[str, ...]:
    """Every schema, oldest first, as each file says what it comes after: opening a database needs no Alembic.

    Numbers are given out before the work on them, so that they need not be in the order of the schemas.
    """
    following: dict[str | None, str] = {}
    for path in (_MIGRATIONS / "versions").glob("0*.py"):
        found = _AFTER.search(path.read_text(encoding="utf-8"))
        assert found is not None, path
        following[found[1]] = path.name[:4]
    newest, order = following.get(None), []
    while newest is not None:
        order.append(newest)
        newest = following.get(newest)
    return tuple(order)


REVISIONS = _released()


def in_words(revision: str) -> str:
    """A schema by its place among all of them, since their numbers do not follow the order."""
    place = REVISIONS.index(revision) + 1 if revision in REVISIONS else None
    return f"schema {place} ({revision})" if place else f"schema {revision}"


def revision_of(connection: Connection) -> str | None:
    """The schema's version; None for an empty database.

    Raises:
        StoreError: There are tables, yet not ours.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    if tables:
        raise StoreError(
            "this database belongs to another program",
            found="tables " + ", ".join(sorted(tables)[:5]),
            todo="give another file to --db",
        )
    return None


def require_newest(connection: Connection) -> None:
    """Lets only the schema of this version pass.

    Raises:
        StoreError: The database is newer or older, and what to do about it.
    """
    revision = revision_of(connection)
    if revision == REVISIONS[-1]:
        return
    if revision in REVISIONS:
        raise StoreError(
            "the database was written by an older version of the grader",
            expected=in_words(REVISIONS[-1]),
            found=in_words(revision),
            todo="run `grader db upgrade`",
        )
    raise StoreError(
        "the database was written by a newer version of the grader",
        expected=f"{in_words(REVISIONS[-1])} or older",
        found=f"schema {revision}",
        todo="install that version; this one leaves the database as it is",
    )


def migrate(connection: Connection, to: str = REVISIONS[-1]) -> None:
    """Runs the migrations up to `to` within the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "grader.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def upgrade(location: str) -> tuple[str, str, Path | None]:
    """Brings a database to this version's schema, after a backup of it where it is a file.

    Returns:
        The schema before, the schema now, and the backup; None where nothing had to be done or the database
        is a server's.

    Raises:
        UsageError: There is no database.
        StoreError: It is newer than this version, another program's, or locked.
    """
    location = place_of(location)
    if not is_url(location) and not Path(location).exists():
        raise UsageError("there is no database here", where=location)
    engine = connect(location, busy_timeout_s=30.0)
    try:
        with plain_errors(location), engine.connect() as connection:
            before = revision_of(connection)
            if before is not None and before not in REVISIONS:
                require_newest(connection)
        if before == REVISIONS[-1]:
            return before, before, None
        kept = None if is_url(location) else backup(location, _free_name(location))
        with plain_errors(location), engine.execution_options(writes=True).begin() as connection:
            bring_up(connection)
        return before or "none", REVISIONS[-1], kept
    finally:
        engine.dispose()


def bring_up(connection: Connection) -> None:
    """Brings what an older version wrote, or nothing yet, to this version within the caller's transaction."""
    migrate(connection)
    with Session(connection, join_transaction_mode="rollback_only") as session:
        catch_up(session)
        reproject(session)
        session.flush()


def _free_name(location: str) -> Path:
    """Where the backup goes; an upgrade that failed has left one already, which stays."""
    name = f"{location}.before-{REVISIONS[-1]}"
    names = chain([name], (f"{name}.{number}" for number in count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def backup(location: str, target: Path) -> Path:
    """Copies a database into a SQLite file while others may be writing to it.

    The evidence beside it never changes; any copy of it will do.

    Raises:
        UsageError: The database is not there, or `target` exists.
        StoreError: It cannot be read or written, or is a server's with another version's schema.
    """
    location = place_of(location)
    if not is_url(location) and not Path(location).exists():
        raise UsageError("there is no database here", where=location)
    require_new_file(target)
    try:
        _copy(location, target)
    except sqlite3.Error as error:
        raise StoreError("the database cannot be backed up", where=location, found=str(error)) from error
    return target


def require_new_file(target: Path) -> None:
    """Keeps what is there from being overwritten.

    Raises:
        UsageError: There is such a file, or there is no folder for it.
    """
    if target.exists():
        raise UsageError(
            "there is a file of this name already", where=str(target), todo="choose another name"
        )
    if not target.absolute().parent.is_dir():
        raise UsageError(
            "the folder of this file is not there",
            where=str(target.parent),
            todo="make it, or name another",
        )


def _copy(location: str, target: Path) -> None:
    """Writes under another name first, so that what bears the backup's name is whole."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        if is_url(location):
            _copy_of_server(location, unfinished)
        else:
            _copy_of_file(Path(location), unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy_of_file(location: Path, target: Path) -> None:
    name = location.absolute().as_uri() if may_write(location) else ReadOnlyFile(location).name
    with closing(sqlite3.connect(name, uri=True)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _copy_of_server(location: str, target: Path) -> None:
    """Row by row, of one moment: a dump of the server's own would come back on such a server only."""
    with transaction(location, isolation_level="REPEATABLE READ") as source:
        require_newest(source)
        with transaction(str(target), writes=True) as copy:
            migrate(copy)
            copy_rows(source, copy)


@contextmanager
def transaction(location: str, **options: Any) -> Iterator[Connection]:
    """One transaction on a database that is opened for it alone; all of it is kept, or nothing.

    Args:
        location: A file or a URL.
        options: Of the connection's execution, as ``writes=True`` for one that holds the write lock.

    Raises:
        StoreError: The database is locked, damaged or out of reach.
    """
    engine = connect(location, busy_timeout_s=30.0)
    try:
        with plain_errors(location), engine.execution_options(**options).begin() as connection:
            yield connection
    finally:
        engine.dispose()
