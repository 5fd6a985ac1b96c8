"""The seccomp filter of a student's process: a small program in classic BPF that the kernel asks.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst and networking/filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import NamedTuple

from grader.collector.confine.calls import machine, prctl
from grader.collector.confine.syscalls import AUDIT_ARCH, CHECKED, numbers_for

__all__ = ["Instruction", "build", "install"]

# Opcodes of classic BPF: load a word of the call's description, compare, answer.
_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_JUMP_ANY_BIT = 0x45
_ANSWER = 0x06

# Where things are in struct seccomp_data; arguments are 64 bits, of which the low word counts here.
_NUMBER = 0
_ARCH = 4
_ARGUMENTS = 16

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

#: Numbers from here on are x32 calls, a second numbering of the same machine.
_X32 = 0x40000000

#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACE = 0x7E020000

#: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Not AF_VSOCK, which reaches the hypervisor from any network
#: namespace, nor AF_ALG and the rarely used protocols, where kernel bugs live.
_FAMILIES = (1, 2, 10, 16)

#: TIOCSTI and TIOCLINUX type into the terminal of whoever started the sandbox.
_TERMINAL_INPUT = (0x5412, 0x541C)


class Instruction(NamedTuple):
    """One BPF instruction; jumps count the instructions that are left out."""

    code: int
    if_true: int
    if_false: int
    value: int

    def packed(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.if_true, self.if_false, self.value)


def build(name: str) -> list[Instruction]:
    """Writes the filter for a machine.

    Args:
        name: ``x86_64`` or ``aarch64``.

    Returns:
        Instructions in order. What is not refused is allowed, so that the kernel answers frequent calls
        from its bitmap without running the filter.
    """
    program = [_load(_ARCH), *_unless_equal(AUDIT_ARCH[name], errno.EPERM), _load(_NUMBER)]
    if name == "x86_64":
        program += [Instruction(_JUMP_AT_LEAST, 0, 1, _X32), _refuse(errno.EPERM)]
    # glibc then falls back to clone, whose flags a filter can read; clone3's lie in memory.
    program += _if_equal(_checked("clone3", name), [_refuse(errno.ENOSYS)])
    for number in numbers_for(name):
        program += _if_equal(number, [_refuse(errno.EPERM)])
    program += _if_equal(_checked("clone", name), _arguments_of_clone())
    program += _if_equal(_checked("ioctl", name), _arguments_of_ioctl())
    for call in ("socket", "socketpair"):
        program += _if_equal(_checked(call, name), _arguments_of_socket())
    return [*program, Instruction(_ANSWER, 0, 0, _ALLOW)]


def install() -> int:
    """Puts the filter on this process and all its future children, for good.

    Needs no-new-privileges to be set.

    Returns:
        System calls that are refused whatever their arguments.

    Raises:
        OSError: The kernel has no seccomp filters, or refuses this one.
    """
    name = machine()
    raw = b"".join(instruction.packed() for instruction in build(name))
    code = ctypes.create_string_buffer(raw, len(raw))
    program = _Program(len(raw) // 8, ctypes.addressof(code))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    return len(numbers_for(name))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _checked(call: str, name: str) -> int:
    number = getattr(CHECKED[call], name)
    assert isinstance(number, int)
    return number


def _load(offset: int) -> Instruction:
    return Instruction(_LOAD, 0, 0, offset)


def _argument(position: int) -> Instruction:
    return _load(_ARGUMENTS + 8 * position)


def _refuse(number: int) -> Instruction:
    return Instruction(_ANSWER, 0, 0, _REFUSE | number)


def _if_equal(value: int, then: list[Instruction]) -> list[Instruction]:
    return [Instruction(_JUMP_EQUAL, 0, len(then), value), *then]


def _unless_equal(value: int, number: int) -> list[Instruction]:
    return [Instruction(_JUMP_EQUAL, 1, 0, value), _refuse(number)]


def _arguments_of_clone() -> list[Instruction]:
    jump = Instruction(_JUMP_ANY_BIT, 0, 1, _NEW_NAMESPACE)
    return [_argument(0), jump, _refuse(errno.EPERM), Instruction(_ANSWER, 0, 0, _ALLOW)]


def _arguments_of_ioctl() -> list[Instruction]:
    refusals = [
        instruction
        for request in _TERMINAL_INPUT
        for instruction in _if_equal(request, [_refuse(errno.EPERM)])
    ]
    return [_argument(1), *refusals, Instruction(_ANSWER, 0, 0, _ALLOW)]


def _arguments_of_socket() -> list[Instruction]:
    allow = Instruction(_ANSWER, 0, 0, _ALLOW)
    checks = [instruction for family in _FAMILIES for instruction in _if_equal(family, [allow])]
    return [_argument(0), *checks, _refuse(errno.EAFNOSUPPORT)]
