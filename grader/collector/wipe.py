"""Leaves nothing of a submission behind: processes, files, shared memory. Then looks whether that is so."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from grader.collector.places import WRITABLE
from grader.collector.privileges import become_student
from grader.evidence.text import first_lines, shortened

__all__ = ["kill_processes", "leftovers", "processes_of", "remove_everything", "remove_sockets"]

_IPC_RMID = 0
_STOP_S = 2.0
_KILL_S = 30.0
_MOST_NAMED = 20
_libc = ctypes.CDLL(None, use_errno=True)


def processes_of(uid: int, *, stopped: bool = True) -> Iterator[int]:
    """Processes of `uid` with a living thread; the dead that wait for their parent do not count.

    A process whose first thread has ended shows as dead while its other threads go on, so each is looked at.

    Args:
        uid: Whose.
        stopped: Whether those count that a signal has stopped, all threads of them.
    """
    passed_over = "ZX" if stopped else "ZXTt"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            status = (entry / "status").read_text()
            if f"\nUid:\t{uid}\t" in status and _thread_states(entry) - set(passed_over):
                yield int(entry.name)


def _thread_states(process: Path) -> set[str]:
    """Letters of the states that a process's threads are in; empty once it has none."""
    states = set()
    for thread in (process / "task").iterdir():
        with suppress(OSError):
            states.add((thread / "status").read_text().partition("\nState:\t")[2][:1])
    return states


def kill_processes(uid: int) -> None:
    """Stops all, then kills all.

    Stopped processes keep their places under the limit, so a fork bomb comes to rest; killed one by one it
    would grow again at once. Done without a fork of our own, which a fork bomb would leave no room for.
    A process that waits for a child which it made with vfork cannot be stopped, so stopping has a time.
    """
    for number, stopped, patience_s in ((signal.SIGSTOP, False, _STOP_S), (signal.SIGKILL, True, _KILL_S)):
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and (found := list(processes_of(uid, stopped=stopped))):
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.001)


def remove_everything(uid: int) -> None:
    """Becomes `uid` and deletes all that it may delete."""
    become_student(uid)
    for folder in WRITABLE:
        _empty(folder)
    _remove_shared_memory(uid)


def _empty(folder: Path) -> None:
    if not folder.is_dir():
        return
    try:
        entries = list(folder.iterdir())
    except PermissionError:
        return
    for entry in entries:
        with suppress(OSError, RecursionError):
            if stat.S_ISDIR(entry.lstat().st_mode):
                _open_up(entry)
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _open_up(folder: Path) -> None:
    """Gives back to the owner the rights that he may have taken from himself."""
    folder.chmod(0o700)
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o700)


def remove_sockets(folder: Path) -> list[str]:
    """Removes a kernel's socket folder, which is the driver's own; gives what would not go."""
    try:
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()
    except OSError as error:
        return [f"socket folder: {error}"[:200]]
    return []


def _remove_shared_memory(uid: int) -> None:
    removers = {"shm": _libc.shmctl, "msg": _libc.msgctl}
    for kind, number in _system_v_objects(uid):
        if kind == "sem":
            _libc.semctl(number, 0, _IPC_RMID)
        else:
            removers[kind](number, _IPC_RMID, None)


def _system_v_objects(uid: int) -> Iterator[tuple[str, int]]:
    for kind, identifier in (("shm", "shmid"), ("sem", "semid"), ("msg", "msqid")):
        with suppress(OSError):
            header, *rows = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()
            columns = header.split()
            for row in rows:
                fields = dict(zip(columns, row.split(), strict=False))
                if fields.get("uid") == str(uid):
                    yield kind, int(fields[identifier])


def leftovers(uid: int) -> list[str]:
    """What is still there of a submission, one line each; empty where the next one may come."""
    found = [f"process {pid}" for pid in processes_of(uid)]
    for folder in WRITABLE:
        if folder.is_dir():
            found += [shortened(f"file {entry}", 200) for entry in folder.iterdir()]
    found += [f"System V {kind} {number}" for kind, number in _system_v_objects(uid)]
    return list(first_lines(found, _MOST_NAMED))
