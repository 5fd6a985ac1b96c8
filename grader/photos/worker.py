"""The process in which photos are read: ``python -m grader.photos.worker``, spoken to by pipes (`apart`)."""

from __future__ import annotations

import os
import resource
import struct
import sys
from typing import IO, Any

from grader.photos.apart import frame_of, read_frame
from grader.photos.decode import NotRead, Unreadable
from grader.photos.measure import measure
from grader.photos.prepare import Steps, prepare

__all__ = ["main"]

_LENGTH = struct.Struct(">Q")
_MEMORY_BYTES = 5 * 1024**3
_MOST_MESSAGE = 256 * 1024**2


def main() -> None:
    """Answers one message after another until there are no more."""
    _confine()
    messages, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not come between the answers.
    os.dup2(2, sys.stdout.fileno())
    while True:
        head = _exactly(messages, _LENGTH.size)
        if head is None:
            return
        packed = _exactly(messages, _LENGTH.unpack(head)[0])
        if packed is None:
            return
        answers.write(_answer(*read_frame(packed, limit_bytes=_MOST_MESSAGE)))
        answers.flush()


def _confine() -> None:
    """No files, no cores, no more memory than a large photo takes."""
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    read = pipe.read(size)
    return read if len(read) == size else None


def _answer(body: dict[str, Any], raw: bytes) -> bytes:
    try:
        if body["task"] == "prepare":
            return frame_of({}, prepare(raw, Steps.model_validate(body["steps"])))
        found = measure(raw)
    except Unreadable as error:
        return frame_of({"unreadable": str(error)})
    except NotRead as error:
        return frame_of({"not_read": str(error)})
    except MemoryError:
        return frame_of({"not_read": "it takes more memory than there is for a photo"})
    except Exception as error:  # ours, whatever it is: no photo is called unreadable for it
        return frame_of({"not_read": f"what reads photos failed over it: {type(error).__name__}"})
    about = {
        "photo": found.photo.model_dump(mode="json"),
        "hash": found.hash,
        "mirrored": found.mirrored,
        "copy": len(found.copy),
    }
    return frame_of(about, found.copy + found.small)


if __name__ == "__main__":
    main()
