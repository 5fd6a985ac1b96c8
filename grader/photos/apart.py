"""Looks at photos in a process apart, which takes so much memory at most, writes no file and can be killed.

What students hand in is read by decoders of many formats. A photo that breaks one, or keeps it busy, costs
that process and one photo, which is then not known, and is no unreadable one.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from pydantic_core import from_json, to_json

from grader.errors import EvidenceError
from grader.evidence.codec import pack, unpack
from grader.evidence.photos import Photo
from grader.photos.decode import NotRead, Unreadable
from grader.photos.measure import Measured
from grader.photos.prepare import Steps

__all__ = ["Apart", "frame_of", "read_frame"]

_LENGTH = struct.Struct(">Q")
_MOST_ANSWER = 64 * 1024**2
_LIMIT_S = 90.0
_PIECE = 1024**2


def frame_of(body: Mapping[str, Any], raw: bytes = b"") -> bytes:
    """One message: plain data and bytes."""
    packed = pack(to_json(dict(body)), [np.frombuffer(raw, dtype=np.uint8)])
    return _LENGTH.pack(len(packed)) + packed


def read_frame(packed: bytes, *, limit_bytes: int) -> tuple[dict[str, Any], bytes]:
    """What `frame_of` put together, without its length.

    Raises:
        EvidenceError: It is nothing of the kind.
    """
    body, arrays = unpack(packed, limit_bytes=limit_bytes)
    found = from_json(body)
    if not isinstance(found, dict) or len(arrays) != 1:
        raise EvidenceError("an answer about a photo has not the form of one")
    return found, arrays[0].tobytes()


class Apart:
    """The process; use as a context manager, from one thread at a time. It is started when it is needed."""

    def __init__(self, *, limit_s: float = _LIMIT_S) -> None:
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def measure(self, raw: bytes) -> Measured:
        """As `measure.measure`.

        Raises:
            Unreadable: The bytes are no picture.
            NotRead: It is too large, took too long or too much memory, or broke what reads it.
        """
        body, copy_and_small = self._ask({"task": "measure"}, raw)
        cut = int(body["copy"])
        return Measured(
            Photo.model_validate(body["photo"]),
            hash=str(body["hash"]),
            mirrored=str(body["mirrored"]),
            copy=copy_and_small[:cut],
            small=copy_and_small[cut:],
        )

    def prepare(self, raw: bytes, steps: Steps) -> bytes:
        """As `prepare.prepare`; raises as `measure`."""
        return self._ask({"task": "prepare", "steps": steps.model_dump()}, raw)[1]

    def _ask(self, body: Mapping[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes]:
        until = time.monotonic() + self._limit_s
        process = self._started()
        try:
            self._send(process, frame_of(body, raw), until)
            (length,) = _LENGTH.unpack(self._receive(process, _LENGTH.size, until))
            if length > _MOST_ANSWER:
                raise NotRead("what reads photos gave an answer that is too long")
            answer, made = read_frame(self._receive(process, length, until), limit_bytes=_MOST_ANSWER)
        except (OSError, EOFError, EvidenceError, ValueError) as error:
            self.close()
            raise NotRead("what reads photos broke over it, or it took too much memory") from error
        except NotRead:
            self.close()
            raise
        if "unreadable" in answer:
            raise Unreadable(str(answer["unreadable"]))
        if "not_read" in answer:
            raise NotRead(str(answer["not_read"]))
        return answer, made

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # One thread each: many of them read at a time.
            environ = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "grader.photos.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environ,
            )
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
        return self._process

    def _send(self, process: subprocess.Popen[bytes], message: bytes, until: float) -> None:
        assert process.stdin is not None
        left = memoryview(message)
        while left:
            self._wait(process.stdin, until, writing=True)
            left = left[os.write(process.stdin.fileno(), left[:_PIECE]) :]

    def _receive(self, process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
        assert process.stdout is not None
        received = bytearray()
        while len(received) < size:
            self._wait(process.stdout, until, writing=False)
            piece = os.read(process.stdout.fileno(), min(_PIECE, size - len(received)))
            if not piece:
                raise EOFError
            received += piece
        return bytes(received)

    def _wait(self, pipe: IO[bytes], until: float, *, writing: bool) -> None:
        waiting = [pipe.fileno()]
        seconds = until - time.monotonic()
        ready = select.select([] if writing else waiting, waiting if writing else [], [], max(0.0, seconds))
        if not any(ready):
            raise NotRead(f"it took more than {self._limit_s:g} seconds")
