"""Large things beside the database: one file for each content, named by its SHA-256."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zlib
from pathlib import Path

from grader.errors import StoreError

__all__ = ["BlobFolder"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RAW, _ZLIB = b"\x00", b"\x01"
#: Random weights hardly shrink; below this gain they are kept as they are, to be read faster.
_WORTH_IT = 0.9


class BlobFolder:
    """A content-addressed folder: what is there is whole, and what is read is what was written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, digest: str) -> Path:
        """Where a blob lies.

        Raises:
            StoreError: `digest` is no SHA-256 in hex, so that nothing else can ever become a path.
        """
        if not _DIGEST.fullmatch(digest):
            raise StoreError("this is no digest of stored evidence", found=repr(digest)[:80])
        return self.root / digest[:2] / digest[2:]

    def __contains__(self, digest: str) -> bool:
        return self.path_of(digest).exists()

    def put(self, content: bytes) -> str:
        """Stores `content` durably and gives its digest.

        What is there already is left alone where it is whole; what is damaged is written again, since the
        right bytes are at hand.

        Raises:
            StoreError: The folder cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        if path.exists() and self._is_whole(digest):
            return digest
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(path, _pack(content))
            _sync_folder(path.parent)
            _sync_folder(self.root)
        except OSError as error:
            raise StoreError(
                "evidence cannot be stored",
                where=str(self.root),
                found=error.strerror or str(error),
                todo="check the free space and the permissions of this folder, then run again",
            ) from error
        return digest

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except StoreError:
            return False
        return True

    def get(self, digest: str, *, limit_bytes: int = 512 * 1024 * 1024) -> bytes:
        """Reads a blob and checks that it is what its name says.

        Raises:
            StoreError: It is gone, damaged or larger than `limit_bytes`.
        """
        path = self.path_of(digest)
        try:
            content = _unpack(path.read_bytes(), limit_bytes)
        except FileNotFoundError as error:
            raise StoreError(
                "stored evidence is gone",
                where=str(path),
                todo="bring the folder back from a backup, or grade again with --fresh",
            ) from error
        except (OSError, zlib.error) as error:
            raise StoreError("stored evidence cannot be read", where=str(path), found=str(error)) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise StoreError(
                "stored evidence was changed after it was written",
                where=str(path),
                expected=f"SHA-256 {digest}",
                todo="bring the file back from a backup, or grade again with --fresh",
            )
        return content


def _pack(content: bytes) -> bytes:
    packed = zlib.compress(content, level=1)
    return _ZLIB + packed if len(packed) < _WORTH_IT * len(content) else _RAW + content


def _unpack(stored: bytes, limit_bytes: int) -> bytes:
    if stored[:1] != _ZLIB:
        return stored[1:]
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(stored[1:], limit_bytes)
    if unpacker.unconsumed_tail:
        raise zlib.error(f"more than {limit_bytes} bytes")
    return content


def _write_durably(path: Path, data: bytes) -> None:
    """Writes a temporary file, syncs it and renames it, so that a half-written blob is never seen."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
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
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
