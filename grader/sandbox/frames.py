"""The host's end of the wall: reads size-capped, numbered frames against a deadline, and believes nothing."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from pydantic import ValidationError

from grader.errors import EvidenceError
from grader.evidence.codec import unpack
from grader.evidence.frames import LENGTH, DriverFrame, HostFrame, driver_frames, to_wire

__all__ = ["DeadlinePassed", "DockerPipe", "FrameStream", "Pipe", "StreamEnded"]

_CHUNK_BYTES = 1 << 20
_LOG_BYTES = 64 * 1024
_DOCKER_HEADER = struct.Struct(">BxxxL")
_STDOUT = 1


class StreamEnded(Exception):
    """The other side hung up."""


class DeadlinePassed(Exception):
    """No whole frame came in time."""


class Pipe(Protocol):
    """Bytes in both directions."""

    def send(self, data: bytes) -> None: ...

    def receive(self, deadline: float) -> bytes:
        """Some bytes, at least one.

        Raises:
            StreamEnded: There will be no more.
            DeadlinePassed: None came before `deadline` (``time.monotonic``).
        """
        ...

    def log(self) -> str:
        """The end of what the other side wrote to stderr."""
        ...

    def close(self) -> None: ...


class DockerPipe:
    """An attached container's stdin and stdout; Docker mixes stderr into the same socket.

    Args:
        attached: What docker-py's ``attach_socket`` gave: a socket, or a file object around one.
    """

    def __init__(self, attached: Any) -> None:
        self._attached = attached
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        self._raw = bytearray()
        self._log = bytearray()

    def send(self, data: bytes) -> None:
        self._socket.settimeout(60)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise StreamEnded(str(error)) from error

    def receive(self, deadline: float) -> bytes:
        while True:
            if (chunk := self._take_chunk()) is not None:
                return chunk
            self._raw += self._read(deadline)

    def _take_chunk(self) -> bytes | None:
        """The next piece of stdout that is here whole; stderr goes to the log on the way."""
        while len(self._raw) >= _DOCKER_HEADER.size:
            stream, length = _DOCKER_HEADER.unpack_from(self._raw)
            end = _DOCKER_HEADER.size + length
            if len(self._raw) < end:
                return None
            chunk = bytes(self._raw[_DOCKER_HEADER.size : end])
            del self._raw[:end]
            if stream == _STDOUT and chunk:
                return chunk
            self._log = (self._log + chunk)[-_LOG_BYTES:]
        return None

    def _read(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except TimeoutError as error:
            raise DeadlinePassed from error
        except OSError as error:
            raise StreamEnded(str(error)) from error
        if not data:
            raise StreamEnded("the container hung up")
        return data

    def log(self) -> str:
        return self._log.decode("utf-8", "replace")

    def close(self) -> None:
        # The HTTP response reads through the file object, and that through the socket.
        response = getattr(self._attached, "_response", None)
        for opened in (response, self._attached, self._socket):
            if opened is not None:
                opened.close()


class FrameStream:
    """Frames over a pipe, numbered in both directions.

    Args:
        pipe: Where the bytes come from and go to.
        frame_bytes: Largest frame that is read.

    Attributes:
        received_bytes: Length of all frames read so far.
    """

    def __init__(self, pipe: Pipe, *, frame_bytes: int) -> None:
        self._pipe = pipe
        self._frame_bytes = frame_bytes
        self._buffer = bytearray()
        self._sent = 0
        self._received = 0
        self.received_bytes = 0

    def send(self, frame: HostFrame, arrays: Sequence[np.ndarray] = ()) -> None:
        """Numbers a frame and writes it.

        Raises:
            StreamEnded: The other side is gone.
        """
        self._pipe.send(to_wire(frame.model_copy(update={"seq": self._sent}), arrays))
        self._sent += 1

    def begins(self, deadline: float) -> bool:
        """Waits until bytes of a next frame are there, without taking them; false where none came in time.

        Raises:
            StreamEnded: The other side hung up.
        """
        with suppress(DeadlinePassed):
            if not self._buffer:
                self._buffer += self._pipe.receive(deadline)
        return bool(self._buffer)

    def receive(self, deadline: float) -> tuple[DriverFrame, list[np.ndarray]]:
        """Reads the next frame.

        Raises:
            EvidenceError: Too large, malformed, a duplicate, or out of order.
            StreamEnded: The other side hung up, perhaps in the middle of a frame.
            DeadlinePassed: Not whole before `deadline` (``time.monotonic``).
        """
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline))
        if length > self._frame_bytes:
            raise EvidenceError(
                "a frame from the sandbox is too large",
                expected=f"at most {self._frame_bytes} bytes",
                found=f"{length} bytes",
            )
        self.received_bytes += length
        body, arrays = unpack(self._exactly(length, deadline), limit_bytes=self._frame_bytes)
        return self._checked(body), arrays

    def _checked(self, body: bytes) -> DriverFrame:
        try:
            frame = driver_frames.validate_json(body)
        except ValidationError as error:
            raise EvidenceError("a frame from the sandbox is malformed", found=str(error)[:300]) from error
        if frame.seq != self._received:
            raise EvidenceError(
                "a frame from the sandbox is out of order",
                expected=f"number {self._received}",
                found=f"number {frame.seq}",
            )
        self._received += 1
        return frame

    def _exactly(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._pipe.receive(deadline)
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def log(self) -> str:
        return self._pipe.log()

    def close(self) -> None:
        self._pipe.close()
