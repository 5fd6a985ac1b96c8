"""The filter read as the kernel reads it, for both machines, by a small interpreter of classic BPF."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from grader.collector.confine.seccomp import Instruction, build
from grader.collector.confine.syscalls import AUDIT_ARCH, CHECKED, REFUSED, numbers_for

MACHINES = ("x86_64", "aarch64")
ALLOWED = 0x7FFF0000
NAMESPACES = (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def answer(program: list[Instruction], number: int, arch: int, *arguments: int) -> int:
    """What the kernel would get from the filter for one call."""
    words = {0: number, 4: arch} | {16 + 8 * place: word for place, word in enumerate(arguments)}
    place, held = 0, 0
    while True:
        step = program[place]
        place += 1
        if step.code == 0x06:
            return step.value
        if step.code == 0x20:
            held = words.get(step.value, 0) & 0xFFFFFFFF
            continue
        held_true = {
            0x15: held == step.value,
            0x35: held >= step.value,
            0x45: bool(held & step.value),
        }[step.code]
        place += step.if_true if held_true else step.if_false


def refusal(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("machine", MACHINES)
def test_every_listed_call_is_refused_whatever_its_arguments(machine: str) -> None:
    program = build(machine)
    for number in numbers_for(machine):
        assert answer(program, number, AUDIT_ARCH[machine], 1, 2, 3) == refusal(errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_that_are_not_listed_are_allowed(machine: str) -> None:
    program = build(machine)
    listed = {*numbers_for(machine), *(getattr(call, machine) for call in CHECKED.values())}
    for number in set(range(470)) - listed:
        assert answer(program, number, AUDIT_ARCH[machine]) == ALLOWED


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_in_another_numbering_of_the_machine_are_refused(machine: str) -> None:
    program = build(machine)
    i386 = 0x40000003
    assert answer(program, 0, i386) == refusal(errno.EPERM)
    if machine == "x86_64":
        assert answer(program, 0x40000000 | 1, AUDIT_ARCH[machine]) == refusal(errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
)
def test_clone_may_make_threads_but_no_namespace(machine: str, flag: int) -> None:
    clone, threads = getattr(CHECKED["clone"], machine), 0x3D0F00
    program = build(machine)
    assert answer(program, clone, AUDIT_ARCH[machine], threads) == ALLOWED
    assert answer(program, clone, AUDIT_ARCH[machine], threads | flag) == refusal(errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_clone3_answers_as_a_kernel_without_it_so_that_clone_is_used(machine: str) -> None:
    assert answer(build(machine), 435, AUDIT_ARCH[machine], 0) == refusal(errno.ENOSYS)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_only_ordinary_socket_families_are_allowed(machine: str, call: str) -> None:
    program, number = build(machine), getattr(CHECKED[call], machine)
    allowed = {
        family for family in range(50) if answer(program, number, AUDIT_ARCH[machine], family) == ALLOWED
    }
    assert allowed == {1, 2, 10, 16}


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_can_be_typed_into_a_terminal(machine: str) -> None:
    program, ioctl = build(machine), getattr(CHECKED["ioctl"], machine)
    assert answer(program, ioctl, AUDIT_ARCH[machine], 0, 0x5412) == refusal(errno.EPERM)
    assert answer(program, ioctl, AUDIT_ARCH[machine], 0, 0x5401) == ALLOWED


@pytest.mark.parametrize("machine", MACHINES)
def test_every_jump_stays_within_the_program(machine: str) -> None:
    program = build(machine)
    for place, step in enumerate(program):
        assert place + 1 + max(step.if_true, step.if_false) < len(program) or step.code == 0x06


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_system_headers(machine: str) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip("no kernel headers on this machine")
    pattern = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")
    official = {name: int(number) for name, number in pattern.findall(HEADERS[machine].read_text())}
    ours = {name: call for group in (*REFUSED.values(), CHECKED) for name, call in group.items()}
    compared = {name: getattr(call, machine) for name, call in ours.items() if name in official}
    assert len(compared) >= 60
    assert compared == {name: official[name] for name in compared}
