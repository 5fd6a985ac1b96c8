"""Reads a file of any size and leaves out outputs over the cap before its size is judged.

One picture can make a notebook of a hundred megabytes of which the student wrote a few thousand letters. The
file is never held as a whole: it passes a scanner of JSON that copies all but large outputs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Protocol

from grader.intake.notebook_json import LEFT_OUT, MAX_BYTES, MAX_PARTS

__all__ = ["MAX_OUTPUT_BYTES", "MAX_READ_BYTES", "TooLarge", "read_shortened"]

#: One output, or all attachments of a cell, or all states of widgets, in bytes as written in the file.
MAX_OUTPUT_BYTES = 1024 * 1024
#: From here on nobody is looking at a notebook any more.
MAX_READ_BYTES = 1024 * 1024 * 1024
_MAX_DEPTH = 1000
#: Brackets, commas and strings that are looked at one by one, some seconds of work.
_MAX_STEPS = 10_000_000
_CHUNK = 1024 * 1024
_CAPPED = frozenset({b"attachments", b"widgets"})
_OUTPUTS = b"outputs"
_PLAIN = re.compile(rb'[^"{}\[\],:]*+')
_NO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\[\s\S])*+")*+')
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\[\s\S])*+')


class Readable(Protocol):
    """An open file, or what unpacks one."""

    def read(self, size: int, /) -> bytes: ...


class TooLarge(Exception):
    """The file is too large whatever is left out of it."""


def read_shortened(file: Readable, *, limit: int = MAX_BYTES) -> bytes:
    """Reads a file whole where it is within the limit, else without its large outputs.

    Args:
        file: At its beginning.
        limit: In bytes, on what is given back.

    Raises:
        TooLarge: Even without them it is too large, or it is no JSON object and so no notebook.
        OSError: It cannot be read.
    """
    raw = _beginning(file, limit + 1)
    if len(raw) <= limit and raw.count(b"[") + raw.count(b"{") <= MAX_PARTS:
        return raw
    if not raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        if len(raw) <= limit:
            return raw
        raise TooLarge
    kept = bytearray()
    scanner = _Scanner(kept)
    for chunk in _chunks(raw, file):
        scanner.feed(chunk)
        if len(kept) > limit + MAX_OUTPUT_BYTES:
            raise TooLarge
    scanner.end()
    if len(kept) > limit:
        raise TooLarge
    return bytes(kept)


def _beginning(file: Readable, size: int) -> bytes:
    """The first bytes, in pieces: asked for so many at once, a file makes room for them all."""
    read = io.BytesIO()
    while (left := size - read.tell()) > 0 and (chunk := file.read(min(_CHUNK, left))):
        read.write(chunk)
    return read.getvalue()


def _chunks(begun: bytes, file: Readable) -> Iterator[bytes]:
    yield begun
    left = MAX_READ_BYTES - len(begun)
    while chunk := file.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise TooLarge
        yield chunk


class _Container:
    """A list or object that is open.

    Attributes:
        key: Of an object, the key whose value comes or is being read.
        starts_at: Place in the copy where a value under a cap began; None for others.
        left_out: Of a list of outputs, the bytes that were left out.
    """

    __slots__ = ("is_object", "is_outputs", "key", "left_out", "size", "starts_at")

    def __init__(self, is_object: bool, is_outputs: bool, starts_at: int | None) -> None:
        self.is_object = is_object
        self.is_outputs = is_outputs
        self.starts_at = starts_at
        self.key = b""
        self.left_out = 0
        self.size = 0


class _Scanner:
    """Copies JSON piece by piece; a value over its cap becomes an empty one."""

    def __init__(self, kept: bytearray) -> None:
        self._kept = kept
        self._open: list[_Container] = []
        self._capped: _Container | None = None
        self._in_string = False
        self._string = bytearray()
        self._rest = b""
        self._after_key = False
        self._steps = 0

    def feed(self, chunk: bytes) -> None:
        raw, at = self._rest + chunk, 0
        self._rest = b""
        while at < len(raw):
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise TooLarge
            at = self._string_from(raw, at) if self._in_string else self._structure_from(raw, at)
            if at < 0:
                return

    def end(self) -> None:
        """Copies what waited for more."""
        self._copy(self._rest)

    def _string_from(self, raw: bytes, at: int) -> int:
        match = _IN_STRING.match(raw, at)
        assert match is not None
        end = match.end()
        self._copy(raw[at:end])
        if not self._after_key and len(self._string) <= 100:
            self._string += raw[at : min(end, at + 101)]
        if end == len(raw):
            return end
        if raw[end : end + 1] == b"\\":  # its other half is in the next chunk
            self._rest = raw[end:]
            return -1
        self._in_string = False
        self._copy(b'"')
        return end + 1

    def _structure_from(self, raw: bytes, at: int) -> int:
        # Within a value that goes as a whole only its end matters.
        match = (_PLAIN if self._capped is None else _NO_BRACKET).match(raw, at)
        assert match is not None
        end = match.end()
        sign = raw[end : end + 1]
        if sign in (b"{", b"["):
            self._copy(raw[at:end])
            self._begin(sign)
        else:
            self._copy(raw[at : end + 1])
        if sign == b'"':
            self._in_string = True
            self._string.clear()
        elif sign == b":" and self._open:
            self._open[-1].key, self._after_key = bytes(self._string), True
        elif sign == b"," and self._open:
            self._after_key = not self._open[-1].is_object
        elif sign in (b"}", b"]") and self._open:
            self._finish(self._open.pop())
        return end + 1

    def _begin(self, sign: bytes) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise TooLarge
        parent = self._open[-1] if self._open else None
        key = parent.key if parent is not None and parent.is_object else b""
        capped = self._capped is None and (key in _CAPPED or (parent is not None and parent.is_outputs))
        inside = _Container(
            sign == b"{",
            is_outputs=self._capped is None and sign == b"[" and key == _OUTPUTS,
            starts_at=len(self._kept) if capped else None,
        )
        if capped:
            self._capped = inside
        self._open.append(inside)
        self._after_key = sign == b"["
        self._copy(sign)

    def _finish(self, ended: _Container) -> None:
        self._after_key = True
        if ended is self._capped:
            self._capped = None
            if ended.size > MAX_OUTPUT_BYTES:
                del self._kept[ended.starts_at :]
                self._kept += b"{}"
                if self._open and self._open[-1].is_outputs:
                    self._open[-1].left_out += ended.size
        if ended.left_out:
            self._kept += b',"%s":%d' % (LEFT_OUT.encode(), ended.left_out)

    def _copy(self, piece: bytes) -> None:
        """Copies, but no more of a capped value than it takes to know that it is too large."""
        if self._capped is not None:
            self._capped.size += len(piece)
            if self._capped.size > MAX_OUTPUT_BYTES:
                return
        self._kept += piece
