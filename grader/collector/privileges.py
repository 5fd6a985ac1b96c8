"""Linux process attributes that Python has no functions for, and the change from root to a student."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from contextlib import suppress
from pathlib import Path

__all__ = ["become_student", "forbid_inspection", "reap_orphans"]

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def forbid_inspection() -> None:
    """Keeps other processes from this one's memory, environment and files under ``/proc``."""
    _prctl(_PR_SET_DUMPABLE, 0)


def reap_orphans() -> None:
    """Makes this process the parent of whatever its descendants leave behind.

    gVisor did not know this in 2022; there the container's first process is, and collects the dead as well.
    """
    try:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def become_student(uid: int) -> None:
    """Gives up root for `uid`, for good: no capabilities, no way to gain any, first to die without memory.

    Raises:
        OSError: The kernel refused a step, so that no student's code may run.
    """
    Path("/proc/self/oom_score_adj").write_text("1000")
    # Within the container's share, the driver comes before however many processes of a student.
    os.nice(19)
    _limit_resources()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    # The change of uid made it uninspectable, which would close /dev/stdout to the student as well.
    _prctl(_PR_SET_DUMPABLE, 1)
    if os.getresuid() != (uid, uid, uid) or _capabilities() != 0:
        raise PermissionError(f"uid {uid} still has privileges")


def _limit_resources() -> None:
    # No RLIMIT_AS, since CUDA reserves huge ranges; no RLIMIT_NPROC, since it counts over all containers.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    # gVisor has a fixed one; the filter of system calls refuses queues in any case.
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text()
    sets = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("CapEff", "CapPrm"))]
    return max(sets)
