"""Walls around a process that judges: it reads Python, the grader and the course's answers, no more.

It is for Linux and needs no rights; a wall that the kernel does not have is left out and not in what is given
back. Standard library only, and nothing of the grader, so that it stands before anything else is imported.

Source: Linux, Documentation/userspace-api/landlock.rst; getrlimit(2); unshare(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["confine", "limit_processor_time"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
#: Rights on files that each version knows, and since when it knows TCP, and signals of others.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_MEMORY_BYTES = 4 * 1024**3
_FILES = 64


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def confine(readable: Iterable[Path]) -> list[str]:
    """Puts all walls around this process and its future children, for good.

    Args:
        readable: Folders and files that may be read and run.

    Returns:
        Which walls stand: ``limits``, ``network``, ``files``, ``processes``.
    """
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        resource.setrlimit(what, (most, most))
    held = ["limits"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.unshare(_NEW_USER | _NEW_NETWORK) == 0:
        held.append("network")
    return [*held, *_landlock(libc, readable)]


def limit_processor_time(seconds: int) -> None:
    """Lets this process use so many more seconds of a processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _landlock(libc: ctypes.CDLL, readable: Iterable[Path]) -> list[str]:
    """Refuses every file but those, TCP, and signals to others; nothing where the kernel has no Landlock."""
    version = libc.syscall(_CREATE, None, 0, _VERSION_FLAG)
    if version < 1:
        return []
    known = (1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1
    network, scopes = version >= _NETWORK_SINCE, version >= _SCOPES_SINCE
    ruleset = _Ruleset(known, 0b11 * network, 0b11 * scopes)
    # Older kernels refuse a structure that is longer than theirs.
    size = ctypes.sizeof(ctypes.c_uint64) * (1 + network + scopes)
    descriptor = libc.syscall(_CREATE, ctypes.byref(ruleset), size, 0)
    if descriptor < 0:
        return []
    try:
        for path in readable:
            _allow(libc, descriptor, path, _READ & known)
        _allow(libc, descriptor, Path(os.devnull), (_READ | _WRITE_FILE) & known)
        if libc.syscall(_RESTRICT, descriptor, 0) != 0:
            return []
    finally:
        os.close(descriptor)
    return ["files", *(["processes"] if scopes else [])]


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(rights if path.is_dir() else rights & _OF_FILES, descriptor)
            libc.syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)
