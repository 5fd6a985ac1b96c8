"""A kernel's own small world where the sandbox has one uid only: the driver's.

Without root there is no second uid to put the kernel under. It gets namespaces of its own instead: it sees no
process but its own, so that there is nothing of the driver's to signal, trace or read.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from grader.collector.confine.calls import machine, prctl, system_call

__all__ = ["run_nested", "shares_uid"]

_NEW_NAMESPACES = 0x10000000 | 0x20000000 | 0x00020000 | 0x08000000  # user, process ids, mounts, IPC
_MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8
_MS_PRIVATE_ALL = 0x40000 | 0x4000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38

_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def shares_uid() -> bool:
    """Whether driver and kernel have to be the same user, since nobody here may change to another."""
    return os.geteuid() != 0


def run_nested(work: Callable[[], None]) -> None:
    """Runs `work` as the first process of namespaces of its own, without capabilities; returns when it ended.

    The caller stays outside and passes interrupts on. When either of the two dies, so does everything inside.

    Raises:
        OSError: The kernel refuses the namespaces, so that no student's code may run.
    """
    uid, gid = os.getuid(), os.getgid()
    Path("/proc/self/oom_score_adj").write_text("1000")
    # Its files under /proc belong to root otherwise, and cannot be written.
    prctl(_PR_SET_DUMPABLE, 1)
    _checked(_libc.unshare(_NEW_NAMESPACES), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    prctl(_PR_SET_DUMPABLE, 0)
    inside = os.fork()
    if inside == 0:
        _run_inside(work)
    _pass_on_until_it_ends(inside)


def _run_inside(work: Callable[[], None]) -> None:
    status = 1
    try:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _mount_own_processes()
        _drop_capabilities()
        prctl(_PR_SET_DUMPABLE, 1)
        work()
        status = 0
    finally:
        os._exit(status)


def _pass_on_until_it_ends(inside: int) -> None:
    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(inside, number)

    signal.signal(signal.SIGINT, pass_on)
    _, status = os.waitpid(inside, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _mount_own_processes() -> None:
    """Shows this world's processes only under ``/proc``, where that is allowed.

    It is not where bubblewrap was started by root, since it then covers parts of ``/proc``. The driver's
    entry stays visible there, and closed, since it is not dumpable; it cannot be signalled in any case.
    """
    _checked(_libc.mount(b"none", b"/", None, _MS_PRIVATE_ALL, None), "mount --make-rprivate /")
    with suppress(PermissionError):
        _checked(_libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID_NODEV_NOEXEC, None), "mount /proc")


def _drop_capabilities() -> None:
    """Gives up what a new user namespace granted, and every way to get it back."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(_MOST_CAPABILITIES):
        with suppress(OSError):
            prctl(_PR_CAPBSET_DROP, capability)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    system_call(_CAPSET[machine()], ctypes.byref(header), ctypes.byref(nothing))


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
