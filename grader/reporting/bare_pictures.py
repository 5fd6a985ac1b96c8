"""Pictures without what their files say beside the picture: texts, cameras, authors, what follows the end.

Whoever grades blind is sent students' plots, and a PNG's text may name its author as a JPEG's EXIF does. What
is drawn in a picture stays: nobody can look for a name there.

Source: PNG, third edition, chapter 11 (https://www.w3.org/TR/png-3/); ITU-T T.81, annex B, for JPEG.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["PICTURES", "bare_picture"]

#: Types of pictures that are shown, each with what their bytes begin with.
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

#: Chunks of a PNG that say how it looks; `iCCP` is left out, since a profile has a name and texts.
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS cHRM gAMA sBIT sRGB cICP bKGD pHYs acTL fcTL fdAT".split())
_CHUNK = 12

_END, _SCAN, _COMMENT = 0xD9, 0xDA, 0xFE
#: Application segments: of these only Adobe's, without which colours would be others.
_APPLICATIONS, _ADOBE = range(0xE0, 0xF0), 0xEE
#: Markers without a length: restarts within a scan, and what is only itself.
_ALONE = frozenset([*range(0xD0, 0xD9), 0x01])


def bare_picture(mime: str, raw: bytes) -> bytes:
    """The picture alone, its pixels byte for byte as they were.

    Args:
        mime: One of `PICTURES`.
        raw: A file that begins as one of this type; what is damaged is kept up to the damage.
    """
    return b"".join(_png(raw) if mime == "image/png" else _jpeg(raw))


def _png(raw: bytes) -> Iterator[bytes]:
    at = len(PICTURES["image/png"])
    yield raw[:at]
    while at + _CHUNK <= len(raw):
        end = at + _CHUNK + int.from_bytes(raw[at : at + 4], "big")
        kind = raw[at + 4 : at + 8]
        if kind in _PNG_KEPT:
            yield raw[at:end]
        if kind == b"IEND":
            return
        at = end


def _jpeg(raw: bytes) -> Iterator[bytes]:
    yield raw[:2]
    at = 2
    while at + 2 <= len(raw):
        marker = raw[at + 1]
        if raw[at] != 0xFF or marker == _END:
            yield b"\xff\xd9"
            return
        if marker == 0xFF:
            # Any number of these may stand before a marker.
            at += 1
            continue
        end = at + 2 if marker in _ALONE else _segment_end(raw, at)
        end = _scan_end(raw, end) if marker == _SCAN else end
        if marker != _COMMENT and (marker not in _APPLICATIONS or marker == _ADOBE):
            yield raw[at:end]
        at = end


def _segment_end(raw: bytes, at: int) -> int:
    if at + 4 > len(raw):
        return len(raw)
    (length,) = struct.unpack(">H", raw[at + 2 : at + 4])
    return at + 2 + max(2, int(length))


def _scan_end(raw: bytes, at: int) -> int:
    """Where the next marker begins; in a scan 255 is followed by 0, or by the number of a restart."""
    while (found := raw.find(b"\xff", at)) >= 0 and found + 1 < len(raw):
        if raw[found + 1] and raw[found + 1] not in _ALONE:
            return found
        at = found + 2
    return len(raw)
