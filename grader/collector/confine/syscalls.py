"""Numbers of the system calls that a student's process is refused, and why each group is."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AUDIT_ARCH", "CHECKED", "REFUSED", "SyscallNumber", "numbers_for"]


class SyscallNumber(NamedTuple):
    """One system call's number on each machine; None where the machine has no such call."""

    x86_64: int | None
    aarch64: int | None


def _same(number: int) -> SyscallNumber:
    return SyscallNumber(number, number)


#: What the kernel calls the machine when it tells a filter who is calling (``linux/audit.h``).
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

#: Refused whatever their arguments. Source: ``asm/unistd_64.h`` and ``asm-generic/unistd.h`` of Linux.
REFUSED: dict[str, dict[str, SyscallNumber]] = {
    # A new user namespace gives back every capability inside it, and with them most kernel bugs.
    "namespaces": {"unshare": SyscallNumber(272, 97), "setns": SyscallNumber(308, 268)},
    "mounts": {
        "mount": SyscallNumber(165, 40),
        "umount2": SyscallNumber(166, 39),
        "pivot_root": SyscallNumber(155, 41),
        "chroot": SyscallNumber(161, 51),
        "open_tree": _same(428),
        "move_mount": _same(429),
        "fsopen": _same(430),
        "fsconfig": _same(431),
        "fsmount": _same(432),
        "fspick": _same(433),
        "mount_setattr": _same(442),
        "statmount": _same(457),
        "listmount": _same(458),
        "open_tree_attr": _same(467),
    },
    "other processes": {
        "ptrace": SyscallNumber(101, 117),
        "process_vm_readv": SyscallNumber(310, 270),
        "process_vm_writev": SyscallNumber(311, 271),
        "kcmp": SyscallNumber(312, 272),
        "pidfd_getfd": _same(438),
        "process_madvise": _same(440),
        "process_mrelease": _same(448),
    },
    # Keyrings are shared by all processes of a uid, over all containers of the host.
    "keyrings": {
        "add_key": SyscallNumber(248, 217),
        "request_key": SyscallNumber(249, 218),
        "keyctl": SyscallNumber(250, 219),
    },
    # No lab uses these, and they are where the kernel's own bugs have been.
    "kernel interfaces": {
        "bpf": SyscallNumber(321, 280),
        "perf_event_open": SyscallNumber(298, 241),
        "userfaultfd": SyscallNumber(323, 282),
        "io_uring_setup": _same(425),
        "io_uring_enter": _same(426),
        "io_uring_register": _same(427),
        "memfd_secret": _same(447),
        "fanotify_init": SyscallNumber(300, 262),
        "name_to_handle_at": SyscallNumber(303, 264),
        "open_by_handle_at": SyscallNumber(304, 265),
        "modify_ldt": SyscallNumber(154, None),
        "uselib": SyscallNumber(134, None),
    },
    # They outlive every process of the submission and lie in no folder that could be wiped.
    "System V and POSIX queues": {
        "shmget": SyscallNumber(29, 194),
        "shmat": SyscallNumber(30, 196),
        "shmctl": SyscallNumber(31, 195),
        "semget": SyscallNumber(64, 190),
        "semop": SyscallNumber(65, 193),
        "semctl": SyscallNumber(66, 191),
        "semtimedop": SyscallNumber(220, 192),
        "msgget": SyscallNumber(68, 186),
        "msgsnd": SyscallNumber(69, 189),
        "msgrcv": SyscallNumber(70, 188),
        "msgctl": SyscallNumber(71, 187),
        "mq_open": SyscallNumber(240, 180),
        "mq_unlink": SyscallNumber(241, 181),
    },
    # All need a capability as well; here so that a capability left by mistake is of no use.
    "the machine": {
        "init_module": SyscallNumber(175, 105),
        "finit_module": SyscallNumber(313, 273),
        "delete_module": SyscallNumber(176, 106),
        "kexec_load": SyscallNumber(246, 104),
        "kexec_file_load": SyscallNumber(320, 294),
        "reboot": SyscallNumber(169, 142),
        "swapon": SyscallNumber(167, 224),
        "swapoff": SyscallNumber(168, 225),
        "acct": SyscallNumber(163, 89),
        "quotactl": SyscallNumber(179, 60),
        "quotactl_fd": _same(443),
        "settimeofday": SyscallNumber(164, 170),
        "clock_settime": SyscallNumber(227, 112),
        "clock_adjtime": SyscallNumber(305, 266),
        "sethostname": SyscallNumber(170, 161),
        "setdomainname": SyscallNumber(171, 162),
        "iopl": SyscallNumber(172, None),
        "ioperm": SyscallNumber(173, None),
        "syslog": SyscallNumber(103, 116),
        "vhangup": SyscallNumber(153, 58),
    },
}

#: Allowed or refused by their arguments: see `confine.seccomp`.
CHECKED: dict[str, SyscallNumber] = {
    "clone": SyscallNumber(56, 220),
    "clone3": _same(435),
    "ioctl": SyscallNumber(16, 29),
    "socket": SyscallNumber(41, 198),
    "socketpair": SyscallNumber(53, 199),
    "seccomp": SyscallNumber(317, 277),
    "landlock_create_ruleset": _same(444),
    "landlock_add_rule": _same(445),
    "landlock_restrict_self": _same(446),
}


def numbers_for(machine: str) -> list[int]:
    """Numbers of all refused calls that `machine` has, in rising order."""
    calls = (call for group in REFUSED.values() for call in group.values())
    numbers = (call.x86_64 if machine == "x86_64" else call.aarch64 for call in calls)
    return sorted(number for number in numbers if number is not None)
