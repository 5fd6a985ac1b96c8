"""System calls that Python has no functions for, with errors as exceptions."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["machine", "prctl", "system_call"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def machine() -> str:
    """``x86_64`` or ``aarch64``, by the kernel's own word.

    Raises:
        OSError: Another machine, whose system calls we do not know.
    """
    name = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
    if name not in ("x86_64", "aarch64"):
        raise OSError(f"no confinement is written for the machine {name}")
    return name


def system_call(number: int, *arguments: object) -> int:
    """Makes a system call by number; every int is passed as a machine word.

    Raises:
        OSError: The kernel refused.
    """
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        raise _error(f"system call {number}")
    return result


def prctl(option: int, *arguments: object) -> int:
    """Changes or reads an attribute of this process; arguments not given are 0.

    Raises:
        OSError: The kernel refused.
    """
    words = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    result = int(_libc.prctl(option, *words))
    if result < 0:
        raise _error(f"prctl({option})")
    return result


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
