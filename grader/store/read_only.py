"""Databases that nobody here may write, as copies on a mounted disk: read, with nothing made beside them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import weakref
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL

from grader.errors import StoreError

__all__ = ["ReadOnlyFile", "may_write"]


def may_write(path: Path) -> bool:
    """Whether a database can be written where it lies: SQLite makes files beside it for that."""
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


class ReadOnlyFile:
    """A database to be read without a lock and without a file beside it.

    Args:
        path: The database. What others wrote and SQLite has not put into it yet is taken from its log.

    Raises:
        StoreError: The log beside it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._read = path.absolute()
        self._immutable = not Path(f"{path}-shm").exists()
        log = Path(f"{path}-wal")
        if self._immutable and log.exists() and log.stat().st_size:
            folder = tempfile.mkdtemp(prefix="grader-db-")
            # Goes with this object, whoever holds it.
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._read = _with_log(self._read, log, Path(folder))

    @property
    def name(self) -> str:
        """As SQLite's own URI."""
        return f"file:{quote(str(self._read))}?mode=ro{'&immutable=1' if self._immutable else ''}"

    @property
    def url(self) -> URL:
        # Without "immutable" another process has it open, and is asked by way of the shared index.
        query = {"mode": "ro", "uri": "true", **({"immutable": "1"} if self._immutable else {})}
        return URL.create("sqlite", database=f"file:{quote(str(self._read))}", query=query)


def _with_log(path: Path, log: Path, folder: Path) -> Path:
    copy = folder / "copy.db"
    try:
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            "this copy of a database cannot be read with the log beside it",
            where=str(log),
            found=str(error),
            todo="copy it with `grader db backup`, which needs no log",
        ) from error
    return copy
