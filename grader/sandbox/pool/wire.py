"""Frames between a process and its gateway: a kind, a number, a length, and so many plain bytes.

Layout (integers big-endian)::

    magic "GRP1" | u8 kind | u64 number | u64 length | payload

Standard library only: the gateway knows nothing else of the grader.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Frame", "FrameReader", "Kind", "RunHead", "WireError", "pack_run", "unpack_run", "write_frame"]

_MAGIC = b"GRP1"
_HEAD = struct.Struct(">4sBQQ")
_LENGTHS = struct.Struct(">II")
_CHUNK_BYTES = 1 << 20


class Kind(IntEnum):
    """What a frame is: the first two go to the gateway, the others come from it."""

    SET_UP = 1
    RUN = 2
    TOLD = 16
    DONE = 17
    FAILED = 18


@dataclass(frozen=True)
class Frame:
    """One message; `number` says of which job, 0 of none."""

    kind: Kind
    number: int
    payload: bytes


class WireError(Exception):
    """Bytes that are no frame, or one that is longer than it may be."""


class FrameReader:
    """Reads frames from a pipe.

    Args:
        descriptor: Of the pipe.
        most_bytes: How long a frame of a kind and number may be; asked before its payload is read.
    """

    def __init__(self, descriptor: int, most_bytes: Callable[[Kind, int], int]) -> None:
        self._descriptor = descriptor
        self._most_bytes = most_bytes

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """The next frame; None where the pipe has ended.

        Args:
            timeout_s: How long nothing at all may come; None waits for as long as it takes.

        Raises:
            WireError: It is none of ours, or nothing came.
        """
        head = self._exactly(_HEAD.size, timeout_s)
        if head is None:
            return None
        magic, code, number, length = _HEAD.unpack(head)
        if magic != _MAGIC or code not in Kind.__members__.values():
            raise WireError("these bytes are no frame")
        most = self._most_bytes(Kind(code), number)
        if length > most:
            raise WireError(f"a frame is longer than it may be: {length} bytes, at most {most}")
        payload = self._exactly(length, timeout_s)
        if payload is None:
            raise WireError("a frame is cut short")
        return Frame(Kind(code), number, payload)

    def _exactly(self, size: int, timeout_s: float | None) -> bytes | None:
        """So many bytes; None where the pipe ended before the first of them."""
        found = bytearray()
        while len(found) < size:
            if timeout_s is not None:
                self._wait(time.monotonic() + timeout_s)
            data = os.read(self._descriptor, min(_CHUNK_BYTES, size - len(found)))
            if not data:
                if found:
                    raise WireError("a frame is cut short")
                return None
            found += data
        return bytes(found)

    def _wait(self, deadline: float) -> None:
        waited_for = select.poll()
        waited_for.register(self._descriptor, select.POLLIN | select.POLLHUP)
        if not waited_for.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise WireError("nothing has come for too long")


def write_frame(descriptor: int, kind: Kind, number: int, payload: bytes) -> None:
    """Writes all of it, however long the other side takes.

    Raises:
        OSError: The other side is gone.
    """
    for part in (_HEAD.pack(_MAGIC, kind, number, len(payload)), payload):
        left = memoryview(part)
        while left:
            left = left[os.write(descriptor, left) :]


@dataclass(frozen=True)
class RunHead:
    """How a job is to be placed.

    Attributes:
        key: What Dask calls it; no two are called the same.
        needs: What it takes of what a worker declares.
        options: How its host runs it, as JSON.
        most_bytes: How long its answer may be.
    """

    key: str
    needs: dict[str, float]
    options: bytes
    most_bytes: int


def pack_run(head: RunHead, parcel: bytes) -> bytes:
    """Joins what a frame `RUN` carries."""
    placing = json.dumps({"key": head.key, "needs": head.needs, "most_bytes": head.most_bytes}).encode()
    return b"".join([_LENGTHS.pack(len(placing), len(head.options)), placing, head.options, parcel])


def unpack_run(raw: bytes) -> tuple[RunHead, bytes]:
    """Splits it."""
    placing_length, options_length = _LENGTHS.unpack_from(raw)
    options_start = _LENGTHS.size + placing_length
    parcel_start = options_start + options_length
    told = json.loads(raw[_LENGTHS.size : options_start])
    head = RunHead(told["key"], told["needs"], raw[options_start:parcel_start], told["most_bytes"])
    return head, raw[parcel_start:]
