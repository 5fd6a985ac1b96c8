"""Processes that live in a container, as the host sees them: nothing inside can hide one from it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker

from grader.sandbox.base import Worker

__all__ = ["living_uids", "waiting_uids"]

_WAIT_S = 60.0


def waiting_uids(worker: Worker) -> set[int]:
    """The uid of the kernel that waits for the next submission; empty where there is no container yet."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        found = living_uids(worker)
        if found or getattr(worker, "_box", None) is None:
            return found
        time.sleep(0.05)
    raise AssertionError("no kernel came up to wait for the next submission")


def living_uids(worker: Worker) -> set[int]:
    """Uids of students' processes in the container that a worker holds; empty where it holds none."""
    box: Any = getattr(worker, "_box", None)
    if box is None:
        return set()
    with closing(docker.from_env()) as client:
        main = client.api.inspect_container(box.name)["State"]["Pid"]
    return set(_uids_beside(main)) - {0}


def _uids_beside(main: int) -> Iterator[int]:
    inside = Path(f"/proc/{main}/ns/pid").readlink()
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and (process / "ns" / "pid").readlink() == inside and _lives(process):
                found = re.search(r"Uid:\s+(\d+)", (process / "status").read_text())
                assert found is not None
                yield int(found[1])


def _lives(process: Path) -> bool:
    stats = [(thread / "stat").read_text() for thread in (process / "task").iterdir()]
    return any(stat.rpartition(")")[2].split()[0] not in "ZX" for stat in stats)
