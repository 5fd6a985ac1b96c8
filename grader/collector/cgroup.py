"""What the container's memory controller counted, in both versions of control groups."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["MemoryCount", "count_memory"]

_GROUP = Path("/sys/fs/cgroup")


class MemoryCount(NamedTuple):
    """Counters since the container started.

    Attributes:
        kills: Processes killed for want of memory, whoever wanted it: the kernel counts those that it killed
            because the whole machine had none left as well.
        limit_hits: Times that the container's own limit was reached; None where nobody counts.
    """

    kills: int = 0
    limit_hits: int | None = None

    def killed_by_limit(self, before: MemoryCount) -> bool:
        """Whether something was killed since then because the container's own limit was reached."""
        hit = self.limit_hits is None or self.limit_hits > (before.limit_hits or 0)
        return self.kills > before.kills and hit

    def killed_by_machine(self, before: MemoryCount) -> bool:
        """Whether something was killed since then although the limit was not reached."""
        return self.kills > before.kills and not self.killed_by_limit(before)


def count_memory(group: Path = _GROUP) -> MemoryCount:
    """Reads the counters; zeros where there are none."""
    with suppress(OSError, ValueError):
        events = _counters(group / "memory.events")
        return MemoryCount(events.get("oom_kill", 0), events.get("oom"))
    with suppress(OSError, ValueError):
        return MemoryCount(*_version_1(group / "memory"))
    return MemoryCount()


def _version_1(group: Path) -> tuple[int, int | None]:
    """Kills and hits. Where memory and swap together have the same limit, that is the one that is hit.

    Newer kernels keep these files and count nothing in them; a peak at the limit then says that it was
    reached, not how often.
    """
    kills = _counters(group / "memory.oom_control").get("oom_kill", 0)
    hits = sum(_number(group / name) or 0 for name in ("memory.failcnt", "memory.memsw.failcnt"))
    peak, limit = _number(group / "memory.max_usage_in_bytes"), _number(group / "memory.limit_in_bytes")
    reached = peak is None or limit is None or peak >= limit
    return kills, None if reached and not hits else hits


def _counters(path: Path) -> dict[str, int]:
    lines = (line.split(maxsplit=1) for line in path.read_text().splitlines())
    return {name: int(number) for name, number in lines}


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None
