"""Puts the layers on in their order, and tries beforehand whether they hold on this machine."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from grader.collector.confine import landlock, seccomp
from grader.collector.confine.calls import prctl
from grader.collector.confine.landlock import Right

__all__ = ["Bounds", "Layer", "Places", "confine_kernel", "rehearse"]

_PR_SET_NO_NEW_PRIVS = 38

_REPORT_BYTES = 1 << 16
# Python has no name for it.
_PENDING_SIGNALS = 11


class Layer(StrEnum):
    """One of the layers; naming it in `without` leaves it off, for tests of what the others hold."""

    LIMITS = "limits"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"


@dataclass(frozen=True)
class Places:
    """Folders by what a student's process may do in them; all others can be listed, no more.

    Attributes:
        writable: Work folder, temporary files, shared memory.
        sockets: Where the kernel makes the sockets that the driver connects to.
        readable: The image's programs and libraries, and the data sets.
        devices: Read and written, nothing created.
        processes: Where CUDA writes names of its threads, and gives up where it cannot; None without a GPU.
            Other processes' files in there are closed by their owner's uid.
    """

    writable: tuple[Path, ...]
    sockets: Path
    readable: tuple[Path, ...] = ()
    devices: Path = Path("/dev")
    processes: Path | None = None


@dataclass(frozen=True)
class Bounds:
    """Resource limits of the kernel process and each of its children.

    Attributes:
        file_bytes: Largest file that may be written, sparse ones included; None: what the sandbox set.
        open_files: Descriptors of one process.
        pending_signals: Signals queued for the uid.
        processes: Processes and threads of the uid; None where a cgroup bounds them, since the kernel counts
            a uid over all containers. A user namespace of its own has a count of its own.
    """

    file_bytes: int | None = None
    open_files: int = 4096
    pending_signals: int = 4096
    processes: int | None = None


_SYSTEM_FOLDERS = tuple(
    Path(name) for name in ("/usr", "/bin", "/lib", "/lib64", "/opt", "/etc", "/proc", "/sys", "/data")
)


def confine_kernel(places: Places, bounds: Bounds, *, without: Collection[Layer] = ()) -> dict[str, str]:
    """Confines this process and its future children, for good.

    To be called in the forked child, single-threaded, after it took its uid and before any of the student's
    code. Layers that the kernel lacks are left out and said to be; one that it offers and then refuses is an
    error, so that no student's code runs half confined.

    Returns:
        What was applied, by layer, in words for the evidence.

    Raises:
        OSError: The kernel refused a layer.
    """
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    applied = {layer.value: "left off" for layer in without}
    if Layer.LIMITS not in without:
        applied[Layer.LIMITS.value] = _limit(bounds)
    if Layer.LANDLOCK not in without:
        applied[Layer.LANDLOCK.value] = _landlock(places)
    if Layer.SECCOMP not in without:
        applied[Layer.SECCOMP.value] = f"{seccomp.install()} system calls refused"
    return applied


def _limit(bounds: Bounds) -> str:
    chosen = {
        "core": 0,
        "fsize": bounds.file_bytes,
        "nofile": bounds.open_files,
        "sigpending": bounds.pending_signals,
        "nproc": bounds.processes,
    }
    numbers = {
        "core": resource.RLIMIT_CORE,
        "fsize": resource.RLIMIT_FSIZE,
        "nofile": resource.RLIMIT_NOFILE,
        "sigpending": _PENDING_SIGNALS,
        "nproc": resource.RLIMIT_NPROC,
    }
    said = []
    for name, limit in chosen.items():
        if limit is not None:
            held = _lower(numbers[name], limit)
            said.append(f"{name} {limit}" if held else f"{name} not in this kernel")
    return ", ".join(said)


def _lower(number: int, limit: int) -> bool:
    """Sets both limits; never above what the parent left us.

    Returns:
        False where the kernel knows the limit by name only: gVisor has one on queued signals that is fixed.
    """
    _, hard = resource.getrlimit(number)
    bounded = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    try:
        resource.setrlimit(number, (bounded, bounded))
    except ValueError:
        if number != _PENDING_SIGNALS:
            raise
        return False
    return True


def _landlock(places: Places) -> str:
    version = landlock.abi()
    if version < landlock.LOWEST_ABI:
        return "not in this kernel"
    python = (Path(sys.prefix), Path(sys.base_prefix))
    readable = (*_SYSTEM_FOLDERS, *python, *places.readable)
    rights = [(Path("/"), Right.READ_DIR)]
    rights += [(folder, Right.READ) for folder in readable]
    rights += [(places.devices, Right.DEVICES), (places.sockets, Right.SOCKETS)]
    if places.processes is not None:
        rights.append((places.processes, Right.WRITE))
    rights += [(folder, landlock.everything()) for folder in places.writable]
    landlock.restrict(rights, version=version)
    return f"ABI {version}"


def rehearse(places: Places, bounds: Bounds, *, without: Collection[Layer] = ()) -> dict[str, str]:
    """Confines a child that then tries what must be refused, so that nothing is taken on trust.

    Returns:
        As `confine_kernel`, from the child.

    Raises:
        OSError: The child could not be confined, or something that must be refused was not.
    """
    reading, writing = os.pipe()
    closed = places.sockets / "rehearsal"
    closed.touch()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        report = _rehearse_in_child(places, bounds, without, closed)
        os.write(writing, json.dumps(report).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read(_REPORT_BYTES)
    os.waitpid(pid, 0)
    closed.unlink()
    report = json.loads(raw or b'{"error": "the child ended without a word"}')
    if "error" in report:
        raise OSError(f"a kernel cannot be confined here: {report['error']}")
    return {str(layer): str(words) for layer, words in report.items()}


def _rehearse_in_child(
    places: Places, bounds: Bounds, without: Collection[Layer], closed: Path
) -> dict[str, str]:
    try:
        before = _filters()
        report = confine_kernel(places, bounds, without=without)
        if Layer.SECCOMP not in without:
            _expect_filter(before)
        if report[Layer.LANDLOCK.value].startswith("ABI"):
            _expect_refusal(closed)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return report


def _expect_filter(before: int) -> None:
    """Asks for a new user namespace, which any process may have unless it is refused, and counts filters.

    The engine's own filter refuses it as well, so that ours must also be there.
    """
    new_user_namespace = 0x10000000
    if ctypes.CDLL(None).unshare(new_user_namespace) == 0:
        raise PermissionError("a new user namespace was granted")
    if 0 <= _filters() <= before:
        raise PermissionError("the filter of system calls is not in force")


def _filters() -> int:
    """Filters of system calls on this process; -1 where the kernel does not tell (before Linux 5.9)."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Seccomp_filters:"):
                return int(line.split()[1])
    return -1


def _expect_refusal(closed: Path) -> None:
    """Opens for writing what this uid may write to: nothing but Landlock refuses that."""
    with suppress(OSError), closed.open("w"):
        raise _Granted("a file outside the work folders could be opened for writing")


class _Granted(Exception):
    """Something was allowed that no student may do."""
