"""`grader db backup` and `restore`: marks and all that they stand on, in one file and out of it again."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from grader.errors import StoreError, UsageError
from grader.store import ledger
from grader.store.copying import copy_rows
from grader.store.engine import is_url, place_of, shown
from grader.store.kept import Named, named_blobs
from grader.store.packing import LIMIT_BYTES, pack, unpack
from grader.store.schema import (
    REVISIONS,
    bring_up,
    migrate,
    require_new_file,
    revision_of,
    transaction,
)
from grader.store.schema import backup as copy_database
from grader.store.store import Store, open_store

__all__ = ["Backup", "back_up", "restore"]

_ABOUT, _DATABASE, _EVIDENCE = "about.json", "grader.db", "evidence/"
_FORMAT = "grader backup 1"
_BEGUN = ".grader-backup-"
_SETTLED_S = 3600.0
_MOST_ABOUT_BYTES = 100_000


@dataclass(frozen=True)
class Backup:
    """What went into a backup, or came out of it.

    Attributes:
        seal: Row and digest of the newest seal, as ``ROW:DIGEST``; empty for a history of no rows.
        evidence: How many notebooks, plans and recordings.
        lacking: What of it could not be read, each with whose it is.
    """

    seal: str
    evidence: int
    lacking: tuple[str, ...] = ()


def back_up(store: Store, target: Path) -> Backup:
    """Writes a database and its evidence into one new file, while others may be writing to them.

    What of the evidence cannot be read is left out and named.

    Raises:
        UsageError: `target` exists.
        StoreError: The database cannot be read, or the file not written.
    """
    require_new_file(target)
    _remove_left(target.absolute().parent)
    with tempfile.TemporaryDirectory(prefix=_BEGUN, dir=target.absolute().parent) as folder:
        copy = copy_database(store.location, Path(folder) / _DATABASE)
        with open_store(str(copy), create=False) as snapshot:
            with snapshot.database.reading() as session:
                seal, blobs = _seal(session), named_blobs(session)
            made = Path(folder) / "made"
            with _written(made) as archive:
                _add(archive, _ABOUT, json.dumps({"format": _FORMAT, "seal": seal}).encode())
                archive.add(copy, _DATABASE)
                lacking = tuple(_add_evidence(archive, store, blobs))
        made.replace(target)
    return Backup(seal, len(blobs) - len(lacking), lacking)


def restore(source: Path, location: str, *, evidence: str | None = None) -> Backup:
    """Brings a backup back as a new database with its evidence; whether it is the same, an audit tells.

    What a file held comes back on a server as well, and the other way round. A backup of an older version is
    brought up to this one on the way.

    Args:
        source: As `back_up` wrote it.
        location: The database: a file that is not there yet, or the URL of one with nothing in it.
        evidence: Folder or URL for the evidence; for a file the folder beside it where None.

    Raises:
        UsageError: There is a database already, `source` is no backup, or nobody says where the evidence of
            a server's database is to lie.
        StoreError: The backup is damaged, or cannot be written here.
    """
    location = place_of(location)
    if is_url(location):
        return _restore_to_server(source, location, evidence)
    require_new_file(Path(location))
    unfinished = Path(f"{location}.restoring")
    try:
        back = _take_all_out(source, unfinished, evidence or f"{location}.evidence")
        unfinished.replace(location)
    finally:
        for leftover in (unfinished, Path(f"{unfinished}-wal"), Path(f"{unfinished}-shm")):
            leftover.unlink(missing_ok=True)
    return back


def _restore_to_server(source: Path, location: str, evidence: str | None) -> Backup:
    """By way of a file, whose rows are then copied in one transaction: all of it is there, or nothing."""
    if evidence is None:
        raise UsageError(
            "nobody has said where the evidence is to lie",
            where=shown(location),
            expected="a place that every machine can reach which uses this database",
            todo="add --evidence /srv/grader/evidence or --evidence s3://BUCKET/PREFIX",
        )
    with transaction(location) as server:
        _require_nothing_in(server, location)
    with tempfile.TemporaryDirectory(prefix=_BEGUN) as folder:
        file = Path(folder) / _DATABASE
        back = _take_all_out(source, file, evidence)
        with transaction(str(file)) as taken_out, transaction(location, writes=True) as server:
            _require_nothing_in(server, location)
            migrate(server)
            copy_rows(taken_out, server)
    return back


def _require_nothing_in(server: Connection, location: str) -> None:
    if revision_of(server) is not None:
        raise UsageError(
            "there are marks in this database already",
            where=shown(location),
            todo="make an empty one on the server, as with createdb, and name that",
        )


def _take_all_out(source: Path, file: Path, place: str) -> Backup:
    """Writes the database to `file`, as of this version, and the evidence to its place."""
    with _opened(source) as archive:
        seal = _about(archive, source)
        _take_out(archive, _DATABASE, file, source)
        with transaction(str(file), writes=True) as older:
            if revision_of(older) in REVISIONS[:-1]:
                bring_up(older)
        with open_store(str(file), create=False) as store:
            store.move_evidence(place, anyway=True)
            return Backup(seal, sum(1 for _ in _put_evidence(archive, store, source)))


def _remove_left(parent: Path) -> None:
    """Removes what killed backups began here, in which nothing was written for a while."""
    for folder in parent.glob(f"{_BEGUN}*"):
        with suppress(OSError):
            newest = max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
            if time.time() - newest > _SETTLED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _seal(session: Session) -> str:
    newest = ledger.head(session)
    return f"{newest.seq}:{newest.digest}" if newest else ""


@contextmanager
def _written(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "w") as archive:
            yield archive
    except OSError as error:
        raise StoreError(
            "the backup cannot be written",
            where=str(path.parent.parent),
            found=error.strerror or str(error),
            todo="check the free space, or name a file elsewhere",
        ) from error


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _add_evidence(archive: tarfile.TarFile, store: Store, blobs: dict[str, Named]) -> Iterator[str]:
    """Adds what can be read; gives whose could not be."""
    for digest, named in blobs.items():
        try:
            content = store.blobs.get(digest)
        except StoreError as error:
            yield f"{named.whose}: {error.what}"
        else:
            _add(archive, _EVIDENCE + digest, pack(content))


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, "r:") as archive:
            yield archive
    except FileNotFoundError as error:
        raise UsageError("there is no backup here", where=str(source)) from error
    except (tarfile.TarError, OSError) as error:
        raise _no_backup(source, str(error)) from error


def _no_backup(source: Path, found: str) -> UsageError:
    return UsageError(
        "this is no whole backup",
        where=str(source),
        expected="a file that `grader db backup` wrote",
        found=found,
        todo="a database by itself needs no restoring: name it with --db",
    )


def _about(archive: tarfile.TarFile, source: Path) -> str:
    """The seal that the backup says it has."""
    about = _member(archive, _ABOUT, source).read(_MOST_ABOUT_BYTES)
    try:
        said = json.loads(about)
        if said["format"] == _FORMAT:
            return str(said["seal"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_backup(source, str(error)) from error
    raise _no_backup(source, f"the format {said['format']!r}")


def _member(archive: tarfile.TarFile, name: str, source: Path) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError as error:
        raise _no_backup(source, f"nothing called {name} in it") from error
    if found is None:
        raise _no_backup(source, f"{name} is no file")
    return found


def _take_out(archive: tarfile.TarFile, name: str, target: Path, source: Path) -> None:
    copy = _member(archive, name, source)
    with target.open("wb") as file:
        while chunk := copy.read(1 << 20):
            file.write(chunk)


def _put_evidence(archive: tarfile.TarFile, store: Store, source: Path) -> Iterator[str]:
    """Stores each piece under its own digest; one that is not what its name says stops all."""
    for member in archive:
        digest = member.name.removeprefix(_EVIDENCE)
        if not member.name.startswith(_EVIDENCE):
            continue
        stored = _member(archive, member.name, source).read()
        yield store.blobs.put(unpack(stored, digest, where=str(source), limit_bytes=LIMIT_BYTES))
