"""How much memory the service takes while a hostile notebook runs: in this process and in the drivers."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import docker

__all__ = ["DRIVER_BYTES", "HOST_BYTES", "Growth", "growth"]

#: What this process may take for a hostile notebook more than for none.
HOST_BYTES = 150 * 1024 * 1024
#: What a driver may hold; a tame notebook's has some 70 MiB.
DRIVER_BYTES = 200 * 1024 * 1024

_LOOK_S = 0.02
_one_at_a_time = threading.Lock()


@dataclass
class Growth:
    """Peaks during a run, known when it is over; None where nothing was measured.

    Attributes:
        host_bytes: By how much this process outgrew what it held at the beginning.
        driver_bytes: The most that any driver of this process's held.
    """

    host_bytes: int | None = None
    driver_bytes: int | None = None


@contextmanager
def growth(*, measured: bool) -> Iterator[Growth]:
    """Measures what is run inside it, one run at a time."""
    found = Growth()
    if not measured:
        yield found
        return
    over = threading.Event()
    drivers = [0]
    ours = cache(_started_here)
    with _one_at_a_time:
        # Linux then forgets the peak so far (proc(5), clear_refs).
        Path("/proc/self/clear_refs").write_text("5")
        before = _status(Path("/proc/self"), "VmRSS")
        watch = threading.Thread(target=_watch_drivers, args=(over, drivers, ours), daemon=True)
        watch.start()
        try:
            yield found
        finally:
            over.set()
            watch.join()
        found.host_bytes = _status(Path("/proc/self"), "VmHWM") - before
        found.driver_bytes = drivers[0]


def _watch_drivers(over: threading.Event, peak: list[int], ours: Callable[[Path], bool]) -> None:
    """A driver's own peak, read again and again: its container is gone when the run is over."""
    while not over.wait(_LOOK_S):
        for process in _drivers():
            size = _status(process, "VmHWM")
            if size > peak[0] and ours(process):
                peak[0] = size


def _started_here(driver: Path) -> bool:
    """Whether this process started it, as a child or in a container: others may test beside it."""
    parent = driver
    try:
        while parent.name not in ("0", "1"):
            if parent.name == str(os.getpid()):
                return True
            parent = Path("/proc", _field(parent, "PPid"))
        group = (driver / "cgroup").read_text()
    except OSError:
        return False
    container = re.search(r"/([0-9a-f]{64})", group)
    if container is None:
        return False
    with closing(docker.from_env()) as client, suppress(docker.errors.NotFound):
        run_id = client.containers.get(container[1]).labels.get("grader.run", "")
        return f"-{os.getpid()}-" in f"{run_id}-"
    return False


def _drivers() -> Iterator[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"grader.collector" in words and b"launcher" not in words:
                yield process


def _status(process: Path, field: str) -> int:
    """Bytes; 0 where the process is gone."""
    try:
        return int(_field(process, field)) * 1024
    except OSError:
        return 0


def _field(process: Path, name: str) -> str:
    lines = (process / "status").read_text().splitlines()
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "0")
