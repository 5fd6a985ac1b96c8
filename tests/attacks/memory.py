"""How much memory the service takes while a hostile notebook runs: in this process and in the drivers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
        driver_bytes: The most that any driver held.
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
    with _one_at_a_time:
        # Linux then forgets the peak so far (proc(5), clear_refs).
        Path("/proc/self/clear_refs").write_text("5")
        before = _status(Path("/proc/self"), "VmRSS")
        watch = threading.Thread(target=_watch_drivers, args=(over, drivers), daemon=True)
        watch.start()
        try:
            yield found
        finally:
            over.set()
            watch.join()
        found.host_bytes = _status(Path("/proc/self"), "VmHWM") - before
        found.driver_bytes = drivers[0]


def _watch_drivers(over: threading.Event, peak: list[int]) -> None:
    """A driver's own peak, read again and again: its container is gone when the run is over."""
    while not over.wait(_LOOK_S):
        peak[0] = max([peak[0], *(_status(process, "VmHWM") for process in _drivers())])


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
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
