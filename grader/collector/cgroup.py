"""What the container's memory controller counted, in both versions of control groups."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["oom_kills"]

_FILES = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)


def oom_kills(files: tuple[Path, ...] = _FILES) -> int:
    """Processes killed for want of memory since the container started; 0 where nobody counts."""
    for path in files:
        with suppress(OSError, ValueError):
            counters = dict(line.split(maxsplit=1) for line in path.read_text().splitlines())
            if "oom_kill" in counters:
                return int(counters["oom_kill"])
    return 0
