"""The driver's end of the wall: host frames in on stdin, driver frames out, each numbered."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from grader.errors import EvidenceError
from grader.evidence.codec import unpack
from grader.evidence.frames import LENGTH, Frame, HostFrame, host_frames, to_wire

__all__ = ["Channel"]

_LIMIT_BYTES = 512 * 1024 * 1024
_F = TypeVar("_F", bound=Frame)


class Channel:
    """Numbers what it sends and checks the numbers of what it receives."""

    def __init__(self, reader: asyncio.StreamReader, descriptor: int) -> None:
        self._reader = reader
        self._descriptor = descriptor
        self._sent = 0
        self._received = 0

    @classmethod
    async def open(cls, descriptor: int) -> Channel:
        """Reads stdin; writes to `descriptor`, which nothing else may have."""
        reader = asyncio.StreamReader(limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin.buffer)
        return cls(reader, descriptor)

    def send(self, frame: Frame, arrays: Sequence[np.ndarray] = ()) -> None:
        raw = memoryview(to_wire(frame.model_copy(update={"seq": self._sent}), arrays))
        self._sent += 1
        while raw:
            raw = raw[os.write(self._descriptor, raw) :]

    async def receive(self) -> tuple[HostFrame, list[np.ndarray]] | None:
        """The next frame; None when the host has hung up.

        Raises:
            EvidenceError: Too large, malformed or out of order.
        """
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if length > _LIMIT_BYTES:
                raise EvidenceError("a frame from the host is too large", found=f"{length} bytes")
            raw = await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return None
        body, arrays = unpack(raw, limit_bytes=_LIMIT_BYTES)
        frame = host_frames.validate_json(body)
        if frame.seq != self._received:
            raise EvidenceError(
                "a frame from the host is out of order", expected=str(self._received), found=str(frame.seq)
            )
        self._received += 1
        return frame, arrays

    async def hung_up(self) -> None:
        """Returns when the host has gone, even while nobody reads."""
        while not self._reader.at_eof():
            await asyncio.sleep(1.0)
