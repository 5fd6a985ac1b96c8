from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from grader.collector.wipe import kill_processes, leftovers, processes_of

UID = 54_321

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="starts processes under another uid")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(source: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sh", "-c", source], user=UID, cwd="/", start_new_session=True)


def wait_for(count: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(list(processes_of(UID))) < count:
        time.sleep(0.01)
    assert len(list(processes_of(UID))) >= count


def test_processes_that_fork_and_ignore_signals_are_all_killed(
    started: list[subprocess.Popen[bytes]],
) -> None:
    started.append(start("trap '' TERM INT HUP; for n in 1 2 3; do sleep 99 & done; wait"))
    wait_for(4)
    kill_processes(UID)
    assert list(processes_of(UID)) == []
    assert not [line for line in leftovers(UID) if line.startswith("process")]


def test_stopped_processes_are_living_ones(started: list[subprocess.Popen[bytes]]) -> None:
    started.append(start("exec sleep 99"))
    wait_for(1)
    os.kill(started[0].pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and list(processes_of(UID, stopped=False)):
        time.sleep(0.01)
    assert list(processes_of(UID, stopped=False)) == []
    assert list(processes_of(UID)) == [started[0].pid]
