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
        kills = _counters(group / "memory" / "memory.oom_control").get("oom_kill", 0)
        return MemoryCount(kills, _number(group / "memory" / "memory.failcnt"))
    return MemoryCount()


def _counters(path: Path) -> dict[str, int]:
    lines = (line.split(maxsplit=1) for line in path.read_text().splitlines())
    return {name: int(number) for name, number in lines}


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None
