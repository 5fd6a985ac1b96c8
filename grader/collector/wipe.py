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
from grader.evidence.text import first_lines

__all__ = [
    "connections",
    "has_living_thread",
    "kill_all_others",
    "kill_processes",
    "leftovers",
    "processes_of",
    "remove_everything",
    "remove_sockets",
    "strangers",
]

_IPC_RMID = 0
_STOP_S = 10.0
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
    for pid, owner in _processes():
        if owner == uid and _thread_states(pid) - set(passed_over):
            yield pid


def _processes() -> Iterator[tuple[int, int]]:
    """All processes, the dead included, each with its real uid: a student's has no other."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            # Who owns the entry says nothing: a process can give its own to root.
            uid = (entry / "status").read_text().partition("\nUid:\t")[2].partition("\t")[0]
            yield int(entry.name), int(uid)


def has_living_thread(pid: int) -> bool:
    """Whether a process has not ended, whatever state it shows itself."""
    return bool(_thread_states(pid) - set("ZX"))


def _thread_states(pid: int) -> set[str]:
    """Letters of the states that a process's threads are in; empty once it has none."""
    states: set[str] = set()
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                states.add((thread / "status").read_text().partition("\nState:\t")[2][:1])
    return states


def kill_processes(uid: int) -> None:
    """Stops all, then kills all.

    Stopped processes keep their places under the limit, so a fork bomb comes to rest; killed one by one it
    would grow again at once. Done without a fork of our own, which a fork bomb would leave no room for.

    Each is killed by its process id, which reaches any thread: `cgroup.kill` passes over a process whose
    first thread has ended (docs/decisions/0030).
    """
    _stop_processes(uid)
    deadline = time.monotonic() + _KILL_S
    while time.monotonic() < deadline and (found := list(processes_of(uid))):
        _signal(found, signal.SIGKILL)
        time.sleep(0.001)


def _stop_processes(uid: int) -> None:
    """Stops all but those that cannot be: they wait in the kernel, as for a child made with vfork."""
    deadline = time.monotonic() + _STOP_S
    while time.monotonic() < deadline:
        found = list(processes_of(uid, stopped=False))
        _signal(found, signal.SIGSTOP)
        if not any(_thread_states(pid) - set("ZXTtD") for pid in found):
            return
        time.sleep(0.001)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def remove_everything(uid: int) -> None:
    """Becomes `uid`, kills all that it may kill and deletes all that it may delete."""
    become_student(uid)
    kill_all_others()
    for folder in WRITABLE:
        _empty(folder)
    _remove_shared_memory(uid)


def kill_all_others() -> None:
    """Kills every other process of this uid at one stroke: what forks at that moment is not missed."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


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
    found += [f"file {ascii(str(entry))[:150]}" for entry, _ in _files()]
    found += [f"System V {kind} {number}" for kind, number in _system_v_objects(uid)]
    return list(first_lines(found, _MOST_NAMED))


def strangers(uid: int) -> list[str]:
    """What is there of other submissions than that of `uid`, one line each; nothing should be.

    Whoever finds it has not left it: the submission that was served meanwhile has to be run again elsewhere.
    """
    found = []
    for pid, owner in _processes():
        if owner not in (0, uid) and has_living_thread(pid):
            found.append(f"process {pid} of uid {owner}")
    for entry, owner in _files():
        if owner not in (0, uid):
            found.append(f"file {ascii(str(entry))[:150]} of uid {owner}")
    return found


def _files() -> Iterator[tuple[Path, int]]:
    """What lies in the work folders, each with its owner."""
    for folder in WRITABLE:
        if folder.is_dir():
            for entry in folder.iterdir():
                # What a notebook is still at work with may go meanwhile.
                with suppress(FileNotFoundError):
                    yield entry, entry.lstat().st_uid


def connections() -> list[str]:
    """Network connections that are there, one line each; nothing of ours makes any.

    The kernel keeps a closed one for a minute, and its port from whoever binds it next. No process is left
    that could be ended for it.
    """
    found = []
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        with suppress(OSError):
            _, *rows = Path(f"/proc/net/{protocol}").read_text().splitlines()
            found += [f"{protocol} {row.split()[1]}" for row in rows]
    return found
