"""Landlock: which files a student's process may touch, and that it may signal none but its own.

Source: Linux, Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from grader.collector.confine.calls import machine, system_call
from grader.collector.confine.syscalls import CHECKED

__all__ = ["LOWEST_ABI", "Right", "abi", "restrict"]

#: Before ABI 2 (Linux 5.19) a file could not be renamed into another folder, which notebooks do.
LOWEST_ABI = 2

_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1


class Right:
    """Rights on files as bits, each with the ABI that brought it (``linux/landlock.h``)."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_FILE = 1 << 5
    MAKE_SOCK = 1 << 9
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15

    READ = EXECUTE | READ_FILE | READ_DIR
    WRITE = WRITE_FILE | TRUNCATE
    DEVICES = READ_FILE | WRITE | IOCTL_DEV
    SOCKETS = MAKE_SOCK | REMOVE_FILE


# Bits that each ABI knows: 13 rights at first, then REFER, TRUNCATE (3) and IOCTL_DEV (5).
_BITS_OF_ABI = {2: 14, 3: 15, 4: 15, 5: 16}
_SCOPES_SINCE_ABI = 6
_SCOPE_ABSTRACT_SOCKETS = 1 << 0
_SCOPE_SIGNALS = 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def abi() -> int:
    """The version of Landlock that this kernel offers; 0 where it has none or it is switched off."""
    try:
        return _call("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def restrict(rights: Iterable[tuple[Path, int]], *, version: int) -> None:
    """Refuses this process and its future children every file that `rights` does not name, for good.

    Needs no-new-privileges. From ABI 6 on, signals and abstract sockets of other processes are refused too.

    Args:
        rights: Folders and what may be done in and below them; folders that are not there are left out.
        version: The kernel's ABI, at least `LOWEST_ABI`.

    Raises:
        OSError: The kernel refuses.
    """
    known = (1 << _BITS_OF_ABI[min(version, max(_BITS_OF_ABI))]) - 1
    scoped = version >= _SCOPES_SINCE_ABI
    ruleset = _Ruleset(known, 0, _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if scoped else 0)
    # Older kernels refuse a structure that is longer than theirs and not zero beyond.
    size = ctypes.sizeof(_Ruleset) if scoped else ctypes.sizeof(ctypes.c_uint64)
    descriptor = _call("landlock_create_ruleset", ctypes.byref(ruleset), size, 0)
    try:
        for folder, allowed in rights:
            with suppress(FileNotFoundError):
                _allow(descriptor, folder, allowed & known)
        _call("landlock_restrict_self", descriptor, 0)
    finally:
        os.close(descriptor)


def everything() -> int:
    """All rights that there are, known to this kernel or not."""
    return (1 << max(_BITS_OF_ABI.values())) - 1


def _allow(ruleset: int, folder: Path, rights: int) -> None:
    parent = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, parent)
        _call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def _call(name: str, *arguments: object) -> int:
    number = getattr(CHECKED[name], machine())
    return system_call(number, *arguments)
