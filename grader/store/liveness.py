"""Who is still at work: a locked file for each process on this machine, a heartbeat for the others."""

from __future__ import annotations

import fcntl
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from grader.store.models import RunRow

__all__ = ["HEARTBEAT_S", "RunLock", "is_alive"]

HEARTBEAT_S = 10.0
_STALE = timedelta(seconds=6 * HEARTBEAT_S)


class RunLock:
    """A lock that the kernel lets go of when the process dies, however it dies."""

    def __init__(self, folder: Path, run: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}.lock"
        self._file: IO[bytes] = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Lets go; run ids are never used again, so the file can go as well."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def is_alive(run: RunRow, folder: Path, now: datetime) -> bool:
    """Whether the process that registered `run` is still working on its claims.

    On the same machine its lock decides. From another machine only the heartbeat can be seen; it counts
    as stale in either direction, for a clock that was set back would keep a dead run alive.
    """
    if run.ended_at is not None:
        return False
    if run.host == socket.gethostname():
        return _is_locked(folder / f"{run.id}.lock")
    return abs(now - run.heartbeat_at) < _STALE


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
