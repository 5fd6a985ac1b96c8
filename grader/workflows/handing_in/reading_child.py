"""A process that reads what students send, and nothing else; started by `reading`, by its path.

It gets an open file at a time over a socket and answers with what it found as JSON. It has no environment of
ours, and the walls of `confine` stand before the first byte of a student's is looked at.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.workflows.handing_in.photo_reading import Photos
    from grader.workflows.running.planning import File

__all__ = ["main"]

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")
_LENGTH = struct.Struct(">Q")
_LONGEST_NAME = 4096


def main() -> None:
    """Reads one file after another until the other end is closed."""
    package, limit_s, memory_bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, package)
    # All that reading may need, before there is no more file to open.
    import nbformat  # noqa: F401

    from grader.workflows.handing_in import photo_reading
    from grader.workflows.regrading import confine
    from grader.workflows.running import planning

    python = [Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parent]
    held = confine.confine([Path(package, "grader"), *python, *map(Path, _SYSTEM)])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with socket.socket(fileno=0) as orders:
        _say(orders, {"held": held})
        while True:
            asked, files, _, _ = socket.recv_fds(orders, _LONGEST_NAME, 1)
            if not files:
                return
            kind, _, name = asked.partition(b"\0")
            confine.limit_processor_time(limit_s)
            try:
                path = Path(name.decode("utf-8", "replace"))
                if kind == b"photos":
                    _say(orders, _photos(files[0], path, photo_reading.read_photos))
                else:
                    _say(orders, _found(files[0], path, planning.read_file))
            finally:
                os.close(files[0])


def _say(orders: socket.socket, what: dict[str, Any]) -> None:
    said = json.dumps(what).encode()
    orders.sendall(_LENGTH.pack(len(said)) + said)


def _photos(handle: int, path: Path, read_photos: Any) -> dict[str, Any]:
    try:
        photos: Photos = read_photos(os.pread(handle, os.fstat(handle).st_size, 0), path)
    except MemoryError:
        return {"too_much": True}
    told = {"problem": photos.problem, "left_out": list(photos.left_out), "photos": photos.number}
    return {**told, "cells": []}


def _found(handle: int, path: Path, read_file: Any) -> dict[str, Any]:
    from grader.intake import Submission

    def read() -> bytes:
        return os.pread(handle, os.fstat(handle).st_size, 0)

    try:
        file: File = read_file(Submission(student="", path=path, read=read))
    except MemoryError:
        return {"too_much": True}
    cells = [(cell.kind, cell.source, cell.handout_id) for cell in file.cells]
    return {"problem": file.problem, "left_out": list(file.beside.left_out), "cells": cells}


if __name__ == "__main__":
    main()
