"""Looks into JPEG and PNG files for anything but pixels."""

from __future__ import annotations

import struct

__all__ = ["what_else"]

#: Parts that a picture cannot do without; of application segments only JFIF's own, which names no one.
_JPEG_PARTS = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, 0xDA})
_JFIF = b"JFIF\0"
_PNG_PARTS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})


def what_else(raw: bytes) -> str:
    """The first thing in the file that is no part of the picture, in words; empty where there is none."""
    if raw.startswith(b"\xff\xd8"):
        return _in_jpeg(raw)
    return _in_png(raw) if raw.startswith(b"\x89PNG\r\n\x1a\n") else "it is neither JPEG nor PNG"


def _in_jpeg(raw: bytes) -> str:
    at = 2
    while at + 4 <= len(raw):
        if raw[at] != 0xFF:
            return "its segments are damaged"
        kind, length = raw[at + 1], struct.unpack_from(">H", raw, at + 2)[0]
        content = raw[at + 4 : at + 2 + length]
        if kind not in _JPEG_PARTS and not (
            kind == 0xE0 and content.startswith(_JFIF) and len(content) == 14
        ):
            return f"a segment of kind {kind:02X}"
        at += 2 + length
        if kind == 0xDA:
            end = raw.find(b"\xff\xd9", at)
            return "" if end == len(raw) - 2 else "bytes behind the end of the picture"
    return "it has no picture"


def _in_png(raw: bytes) -> str:
    at = 8
    while at + 12 <= len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        if kind not in _PNG_PARTS:
            return f"a part called {kind.decode('ascii', 'replace')}"
        at += 12 + length
        if kind == b"IEND":
            return "" if at == len(raw) else "bytes behind the end of the picture"
    return "it has no picture"
