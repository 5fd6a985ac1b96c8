"""How much memory this machine has left for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["available_bytes"]

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")


def available_bytes(proc: Path = _PROC, groups: Path = _GROUPS) -> int:
    """What new processes can take without swapping, by the machine and by the control group of this one."""
    return min([_of_machine(proc), *_of_groups(proc, groups)])


def _of_machine(proc: Path) -> int:
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("every Linux since 3.14 says MemAvailable")


def _of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What is left below the limits of the group and of those around it; none where nobody limits."""
    for line in (proc / "self" / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder, names = _V1 if controllers else _V2
            yield from _left(groups / folder, path, names)


_Names = tuple[str, str, str]
_V1 = ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
_V2 = ("", ("memory.max", "memory.current", "inactive_file"))


def _left(root: Path, path: str, names: _Names) -> Iterator[int]:
    limit_name, used_name, cache_name = names
    inner = root / path.lstrip("/")
    for folder in (inner, *inner.parents):
        if not folder.is_relative_to(root):
            return
        # The file says "max" where there is no limit, and is not there at the top.
        with suppress(OSError, ValueError):
            limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
            yield max(0, limit - used + _counter(folder / "memory.stat", cache_name))


def _counter(file: Path, name: str) -> int:
    """Files that the kernel has read and may forget count as used, and are not."""
    counters = dict(line.split() for line in file.read_text().splitlines())
    return int(counters.get(name, 0))
