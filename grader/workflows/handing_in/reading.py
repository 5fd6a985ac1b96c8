"""What a student sends is read in processes apart, behind walls, with an end to time and memory.

A file can be made to take hours or all memory to read, or to use a mistake in what reads it. Each of these
processes reads one file at a time and is there for the next one; one that fails is thrown away.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grader
from grader.errors import ServiceError
from grader.evidence.record import CellRecord
from grader.grading.held import TO_DO

__all__ = ["Found", "Readers", "shared_readers"]

_CHILD = Path(__file__).with_name("reading_child.py")
#: Of a processor, and by the wall on a machine that has much else to do.
_PROCESSOR_S, _WALL_S = 30, 90.0
_MEMORY_BYTES = 2 * 1024**3
#: What it may answer: sources of the longest notebook that intake takes, as JSON writes them.
_MOST_SAID = 256 * 1024**2
#: How long a process may take to be gone after it closed its end.
_DYING_S = 1.0
_BY_FILE = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)
_LENGTH = struct.Struct(">Q")
_TOO_MUCH = (
    "the file takes more time or memory to read than any notebook does"
    f"; {TO_DO}clear the outputs of the notebook, save it, and hand in the saved file"
)


@dataclass(frozen=True)
class Found:
    """What a file is.

    Attributes:
        problem: Why it is no notebook, and what to do; empty where it is one.
        left_out: What lay beside the notebook and could not be taken, each with the reason.
        cells: Kind, source and handout id of each; outputs are left out.
        photos: How many there are, of a zip of photos.
    """

    problem: str
    left_out: tuple[str, ...] = ()
    cells: tuple[CellRecord, ...] = ()
    photos: int = 0


class _Died(Exception):
    """The process ended, or was ended, before it answered.

    Attributes:
        by_file: Whether what it read is to blame: it ran into a limit, or made the process fall.
    """

    def __init__(self, said: str, *, by_file: bool) -> None:
        super().__init__(said)
        self.by_file = by_file


class _Child:
    def __init__(self) -> None:
        package = Path(grader.__file__).resolve().parent.parent
        self._orders, theirs = socket.socketpair()
        limits = (str(_PROCESSOR_S), str(_MEMORY_BYTES))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", "-B", str(_CHILD), str(package), *limits],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                cwd="/",
                # Ctrl-C is for whoever asked; this ends when its socket does.
                start_new_session=True,
            )
        self._orders.settimeout(_WALL_S)
        self.held: list[str] = self._answer()["held"]

    def read(self, file: IO[bytes], name: str, of_photos: bool) -> dict[str, Any]:
        what = (b"photos" if of_photos else b"notebook") + b"\0" + name.encode("utf-8", "replace")[:255]
        with suppress(OSError):
            socket.send_fds(self._orders, [what], [file.fileno()])
        return self._answer()

    def end(self) -> int:
        """Ends it; gives how it ended, if it had before."""
        self._orders.close()
        with suppress(subprocess.TimeoutExpired):
            return int(self._process.wait(_DYING_S))
        self._process.kill()
        return int(self._process.wait())

    def _answer(self) -> dict[str, Any]:
        try:
            (size,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
            said = json.loads(self._exactly(size) if size <= _MOST_SAID else b"")
        except (OSError, ValueError, EOFError) as error:
            ended = self.end()
            raise _Died(
                f"{error or type(error).__name__}, ended by {ended}", by_file=-ended in _BY_FILE
            ) from error
        assert isinstance(said, dict)
        return said

    def _exactly(self, size: int) -> bytes:
        said = bytearray()
        while len(said) < size:
            piece = self._orders.recv(min(1024**2, size - len(said)))
            if not piece:
                raise EOFError
            said += piece
        return bytes(said)


class Readers:
    """Processes that read files, for any number of threads at once.

    They start with `begin`, or with the first file.

    Args:
        processes: How many at work at a time; two, or fewer where there are fewer cores.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._most = processes or min(2, len(os.sched_getaffinity(0)))
        self._free = threading.Semaphore(self._most)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []

    def read(self, file: IO[bytes], name: str, *, of_photos: bool = False) -> Found:
        """What a file is; waits for its turn.

        Args:
            file: An open file of the system; where it stands does not matter, and stays.
            name: What the student calls it, for what is said of it.
            of_photos: Whether it is to be a zip of photos rather than a notebook.

        Raises:
            ServiceError: No process can be started here.
        """
        with self._free:
            child = self._take()
            try:
                said = child.read(file, name or ("photos.zip" if of_photos else "notebook.ipynb"), of_photos)
            except _Died as error:
                if error.by_file:
                    return Found(_TOO_MUCH)
                raise _not_now(error) from error
            with self._lock:
                self._idle.append(child)
        if "too_much" in said:
            return Found(_TOO_MUCH)
        cells = tuple(
            CellRecord(index=index, kind=kind, source=source, handout_id=id)
            for index, (kind, source, id) in enumerate(said["cells"])
        )
        return Found(said["problem"], tuple(said["left_out"]), cells, said.get("photos", 0))

    def begin(self) -> threading.Thread:
        """Starts the processes without waiting for them, so that the first file finds them ready.

        Returns:
            What starts them; one that cannot be started is told of by the file that needs it.
        """
        thread = threading.Thread(target=self._start_all, name="readers", daemon=True)
        thread.start()
        return thread

    def _start_all(self) -> None:
        taken: list[_Child] = []
        with suppress(ServiceError):
            while len(taken) < self._most:
                taken.append(self._take())
        with self._lock:
            self._idle += taken

    def close(self) -> None:
        """Ends the processes that wait; the next file starts others."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _take(self) -> _Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return _Child()
        except (_Died, OSError) as error:
            raise _not_now(error) from error


def _not_now(error: Exception) -> ServiceError:
    return ServiceError(
        "files cannot be read here just now, and nothing was taken",
        expected="a process that reads what students hand in",
        found=str(error),
        todo="hand in again in some minutes",
    )


_shared: Readers | None = None
_shared_lock = threading.Lock()


def shared_readers() -> Readers:
    """Those of this program, for all of its threads; they end with it."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Readers()
            atexit.register(_shared.close)
        return _shared
