"""How a blob is kept, wherever it lies: under its SHA-256, packed where that pays, checked on reading."""

from __future__ import annotations

import hashlib
import re
import zlib

from grader.errors import StoreError

__all__ = ["LIMIT_BYTES", "is_digest", "key_of", "pack", "unpack"]

#: The most that a blob may grow to when it is read.
LIMIT_BYTES = 512 * 1024 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RAW, _ZLIB = b"\x00", b"\x01"
#: Random weights hardly shrink; below this gain they are kept as they are, to be read faster.
_WORTH_IT = 0.9
#: By so many pieces of so many bytes it is told whether anything repeats.
_PIECES, _PIECE = 4, 2048


def is_digest(text: str) -> bool:
    """Whether this is a SHA-256 in hex."""
    return _DIGEST.fullmatch(text) is not None


def key_of(digest: str) -> tuple[str, str]:
    """The two parts of a blob's name.

    Raises:
        StoreError: `digest` is no SHA-256 in hex, so that nothing else can ever become a path.
    """
    if not _DIGEST.fullmatch(digest):
        raise StoreError("this is no digest of stored evidence", found=repr(digest)[:80])
    return digest[:2], digest[2:]


def pack(content: bytes) -> bytes:
    """What is written of a blob: smaller, unless it hardly gets so."""
    packed = _smaller(content, zlib.Z_HUFFMAN_ONLY if _repeats_little(content) else zlib.Z_DEFAULT_STRATEGY)
    return _ZLIB + packed if len(packed) < _WORTH_IT * len(content) else _RAW + content


def _smaller(content: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(1, strategy=strategy)
    return packer.compress(content) + packer.flush()


def _repeats_little(content: bytes) -> bool:
    """Whether it is in vain to look for what repeats, by some pieces.

    In pictures written as text (base64), which make most of a notebook, that takes four times as long for
    nothing.
    """
    if len(content) < _PIECES * _PIECE * 2:
        return False
    starts = range(0, len(content), len(content) // _PIECES)
    pieces = b"".join(content[start : start + _PIECE] for start in starts)
    return len(_smaller(pieces, zlib.Z_HUFFMAN_ONLY)) <= len(_smaller(pieces, zlib.Z_DEFAULT_STRATEGY))


def unpack(stored: bytes, digest: str, *, where: str, limit_bytes: int) -> bytes:
    """The content again.

    Raises:
        StoreError: It is damaged, or larger than `limit_bytes`.
    """
    try:
        content = _unpacked(stored, limit_bytes)
    except zlib.error as error:
        raise StoreError("stored evidence cannot be read", where=where, found=str(error)) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(
            "stored evidence was changed after it was written",
            where=where,
            expected=f"SHA-256 {digest}",
            todo="bring the file back from a backup, or grade again with --fresh",
        )
    return content


def _unpacked(stored: bytes, limit_bytes: int) -> bytes:
    if stored[:1] != _ZLIB:
        return stored[1:]
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(stored[1:], limit_bytes)
    if unpacker.unconsumed_tail:
        raise zlib.error(f"more than {limit_bytes} bytes")
    return content
