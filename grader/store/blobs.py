"""Large things beside the database: one object for each content, named by its SHA-256."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from grader.errors import StoreError
from grader.store.packing import LIMIT_BYTES, is_digest, key_of, pack, unpack

__all__ = ["MARK", "BlobFolder", "BlobStore", "Stored", "gone", "is_whole", "require_mark"]

#: The object that says whose evidence this is, so that another disk under the same name is not taken for it.
MARK = "whose-evidence"
_BEGUN = ".new-"
_SETTLED_S = 3600.0
_SETTLING_NS = 2_000_000_000
#: So many blobs, such as the plans that come with each file, are known to be on the disk.
_REMEMBERED = 4096


@dataclass(frozen=True)
class Stored:
    """A blob as it lies there: how many bytes it takes, and since when (UTC, by the place's clock)."""

    digest: str
    size: int
    since: datetime


class BlobStore(Protocol):
    """A content-addressed store: what is there is whole, and what is read is what was written.

    Attributes:
        place: Where it is, as people write it.
    """

    place: str

    def check(self) -> None:
        """Makes sure that it can be reached, and is the one that the database means.

        Raises:
            StoreError: It cannot be reached from here, or another one lies there.
        """
        ...

    def __contains__(self, digest: str) -> bool: ...

    def put(self, content: bytes) -> str:
        """Stores `content` durably, unless it is there, and gives its digest.

        What is there already is left alone where it is whole; what is damaged is written again, since the
        right bytes are at hand.

        Raises:
            StoreError: It cannot be written.
        """
        ...

    def get(self, digest: str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
        """Reads a blob and checks that it is what its name says.

        Raises:
            StoreError: It is gone, damaged or larger than `limit_bytes`, or the store cannot be reached.
        """
        ...

    def remove(self, digest: str) -> None:
        """Removes a blob, as of a person who is erased; nothing happens where there is none.

        Raises:
            StoreError: It cannot be removed.
        """
        ...

    def size(self, digest: str) -> int:
        """Bytes that a blob takes where it lies, packed as it is.

        Raises:
            StoreError: It is gone.
        """
        ...

    def stored(self) -> Iterator[Stored]:
        """All blobs that lie there, in no order.

        Raises:
            StoreError: The place cannot be listed.
        """
        ...


def is_whole(blobs: BlobStore, digest: str) -> bool:
    """Whether a blob is there and is what its name says."""
    try:
        blobs.get(digest)
    except StoreError:
        return False
    return True


def gone(blobs: BlobStore, where: str, todo: str) -> StoreError:
    """What to say of a blob that is not there: that the whole store is out of reach comes first.

    Args:
        blobs: Where it was to be.
        where: Its place.
        todo: How it comes back.
    """
    try:
        blobs.check()
    except StoreError as error:
        return error
    return StoreError("stored evidence is gone", where=where, todo=f"{todo}, or grade again with --fresh")


def require_mark(found: str | None, expected: str, place: str) -> None:
    """Compares whose evidence lies somewhere with whose should.

    Args:
        found: None where there is no mark.
        expected: Empty where anybody's will do.
        place: Where it was looked for.

    Raises:
        StoreError: They differ.
    """
    if not expected or found == expected:
        return
    todo = (
        "make it reachable here under this name, as it is on the machine that began; if it was moved:"
        " `grader db evidence NEW_PLACE`"
    )
    if found is None:
        raise StoreError(
            "the evidence of this database cannot be reached from here",
            where=place,
            expected="the place that the database names, with its evidence",
            found="nothing, or nothing of this grader",
            todo=todo,
        )
    raise StoreError(
        "the evidence that lies here is not this database's",
        where=place,
        expected=f"the mark {expected}",
        found=f"the mark {found}",
        todo=todo,
    )


class BlobFolder:
    """A folder as a `BlobStore`.

    Args:
        root: Made by the first blob, unless it has to bear a mark.
        mark: What its mark has to say; empty where any folder will do.
    """

    def __init__(self, root: Path, *, mark: str = "") -> None:
        self.root = root
        self.place = str(root)
        self._mark = mark
        self._checked = not mark
        self._durable: set[Path] = set()
        self._durable_blobs: dict[str, _Seen | None] = {}

    def check(self) -> None:
        if not self._checked:
            require_mark(self.read_mark(), self._mark, self.place)
            self._checked = True

    def read_mark(self) -> str | None:
        try:
            return (self.root / MARK).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def write_mark(self, mark: str) -> None:
        """Makes the folder one that can be told from others.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            _write_durably(self.root / MARK, mark.encode("ascii"))
            _sync_folder(self.root)
        except OSError as error:
            raise self._cannot_write(error) from error

    def remove_leftovers(self) -> int:
        """Removes what killed processes began to write; who writes now began a moment ago.

        Returns:
            How many there were.
        """
        count = 0
        for path in self.root.glob(f"[0-9a-f][0-9a-f]/{_BEGUN}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _SETTLED_S:
                    path.unlink()
                    count += 1
        return count

    def path_of(self, digest: str) -> Path:
        """Where a blob lies.

        Raises:
            StoreError: `digest` is no SHA-256 in hex.
        """
        return self.root.joinpath(*key_of(digest))

    def __contains__(self, digest: str) -> bool:
        return self.path_of(digest).exists()

    def put(self, content: bytes) -> str:
        self.check()
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                if _write_new(path, pack(content)):
                    self._settle_root(path.parent)
                    return digest
            # Looked at before it is read: what is changed meanwhile is another one.
            seen = _seen(path)
            if seen is not None and self._durable_blobs.get(digest) == seen:
                return digest
            if is_whole(self, digest):
                self._settle(path, digest, seen)
            else:
                _write_durably(path, pack(content))
                self._settle_folder(path.parent)
        except OSError as error:
            raise self._cannot_write(error) from error
        return digest

    def _settle(self, path: Path, digest: str, seen: _Seen | None) -> None:
        """Makes what is there already durable: whoever wrote it may not have come as far as that."""
        if digest not in self._durable_blobs:
            _sync(path, os.O_RDONLY)
            self._settle_folder(path.parent)
        if len(self._durable_blobs) >= _REMEMBERED:
            self._durable_blobs.clear()
        self._durable_blobs[digest] = seen

    def _settle_folder(self, folder: Path) -> None:
        _sync_folder(folder)
        self._settle_root(folder)

    def _settle_root(self, folder: Path) -> None:
        if folder not in self._durable:
            # Whoever made it may not have come as far as this.
            _sync_folder(self.root)
            self._durable.add(folder)

    def _cannot_write(self, error: OSError) -> StoreError:
        return StoreError(
            "evidence cannot be stored",
            where=self.place,
            found=error.strerror or str(error),
            todo="check the free space and the permissions of this folder, then run again",
        )

    def get(self, digest: str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
        path = self.path_of(digest)
        try:
            stored = path.read_bytes()
        except FileNotFoundError as error:
            raise gone(self, str(path), "bring the folder back from a backup") from error
        except OSError as error:
            raise StoreError("stored evidence cannot be read", where=str(path), found=str(error)) from error
        return unpack(stored, digest, where=str(path), limit_bytes=limit_bytes)

    def remove(self, digest: str) -> None:
        self.check()
        path = self.path_of(digest)
        try:
            self._durable_blobs.pop(digest, None)
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync_folder(path.parent)
        except OSError as error:
            raise StoreError(
                "evidence cannot be removed",
                where=str(path),
                found=error.strerror or str(error),
                todo="check the permissions of this folder, then run the command again",
            ) from error

    def size(self, digest: str) -> int:
        path = self.path_of(digest)
        try:
            return path.stat().st_size
        except OSError as error:
            raise gone(self, str(path), "bring the folder back from a backup") from error

    def stored(self) -> Iterator[Stored]:
        self.check()
        try:
            for path in self.root.glob("[0-9a-f][0-9a-f]/*"):
                digest = f"{path.parent.name}{path.name}"
                if is_digest(digest):
                    about = path.stat()
                    yield Stored(digest, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC))
        except OSError as error:
            raise StoreError("evidence cannot be listed", where=self.place, found=str(error)) from error


class _Seen(NamedTuple):
    """By what a file is known to be untouched: whoever writes to it changes one of these."""

    inode: int
    size: int
    changed_ns: int


def _seen(path: Path) -> _Seen | None:
    """None where it was changed so lately that the clock of a file system may not tell a change since."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    if time.time_ns() - about.st_ctime_ns < _SETTLING_NS:
        return None
    return _Seen(about.st_ino, about.st_size, about.st_ctime_ns)


def _write_new(path: Path, data: bytes) -> bool:
    """Writes a file that gets its name once all of it is there, and syncs it together with its folder.

    To wait for both at the same time takes a disk about as long as to wait for one. Until it is synced nobody
    is told of the file, and whoever finds it there syncs it first.

    Returns:
        False where it has to be done otherwise: somebody else's is there meanwhile, which may be synced and
        is not to be replaced by one that is not yet, or this place knows no second name of a file.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_BEGUN)
    with os.fdopen(handle, "wb") as file:
        try:
            file.write(data)
            file.flush()
            try:
                os.link(name, path)
            except OSError:
                return False
        finally:
            Path(name).unlink(missing_ok=True)
        try:
            _sync_both(file.fileno(), path.parent)
        except OSError:
            # It may be read from memory still, and look as if it were kept. What was broken off otherwise is
            # whole, and somebody else may count on it by now.
            path.unlink(missing_ok=True)
            raise
    return True


def _sync_both(file: int, folder: Path) -> None:
    failed: list[OSError] = []

    def sync_folder() -> None:
        try:
            _sync_folder(folder)
        except OSError as error:
            failed.append(error)

    beside = threading.Thread(target=sync_folder, name="sync")
    beside.start()
    try:
        os.fsync(file)
    finally:
        beside.join()
    if failed:
        raise failed[0]


def _write_durably(path: Path, data: bytes) -> None:
    """Writes a temporary file, syncs it and renames it, so that a half-written blob is never seen."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_BEGUN)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, how: int) -> None:
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
