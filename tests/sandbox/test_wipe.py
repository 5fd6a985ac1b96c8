from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.collector.wipe import kill_all_others, kill_processes, leftovers, processes_of, strangers

UID = 54_321

libc = ctypes.CDLL(None)

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


@pytest.fixture
def forked() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Runs a function in a process of the other uid, which need not be able to start this interpreter."""
    pids: list[int] = []

    def fork(work: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.setuid(UID)
            work()
            os._exit(0)
        pids.append(pid)
        return pid

    yield fork
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def end_the_first_thread_only() -> None:
    threading.Thread(target=time.sleep, args=(99,)).start()
    libc.syscall(60 if platform.machine() == "x86_64" else 93, 0)


def wait_for_a_child_in_the_kernel() -> None:
    """As vfork does: no signal but SIGKILL reaches who waits so."""
    clone_vfork = 0x4000
    number = 56 if platform.machine() == "x86_64" else 220
    if libc.syscall(number, clone_vfork | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        time.sleep(99)


def never_be_the_same_process() -> None:
    while True:
        if os.fork() != 0:
            os._exit(0)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for_state(pid: int, state: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and state_of(pid) != state:
        time.sleep(0.01)
    assert state_of(pid) == state


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


def test_a_process_whose_first_thread_has_ended_is_a_living_one_and_is_killed(
    forked: Callable[[Callable[[], object]], int],
) -> None:
    pid = forked(end_the_first_thread_only)
    wait_for_state(pid, "Z")
    assert list(processes_of(UID)) == [pid]
    assert any(line.startswith("process") for line in leftovers(UID))
    kill_processes(UID)
    assert list(processes_of(UID)) == []
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1


def test_a_dead_process_that_waits_for_its_parent_is_no_living_one(
    started: list[subprocess.Popen[bytes]],
) -> None:
    started.append(start("exit 0"))
    wait_for_state(started[0].pid, "Z")
    assert list(processes_of(UID)) == []


def test_a_process_that_cannot_be_stopped_is_killed_all_the_same(
    forked: Callable[[Callable[[], object]], int],
) -> None:
    pid = forked(wait_for_a_child_in_the_kernel)
    wait_for(2)
    wait_for_state(pid, "D")
    kill_processes(UID)
    assert list(processes_of(UID)) == []


def test_a_living_process_of_another_uid_is_a_stranger_and_a_dead_one_is_not(
    forked: Callable[[Callable[[], object]], int],
) -> None:
    pid = forked(end_the_first_thread_only)
    wait_for_state(pid, "Z")
    line = f"process {pid} of uid {UID}"
    assert line in strangers(UID + 1)
    assert line not in strangers(UID)
    kill_processes(UID)
    assert line not in strangers(UID + 1)


def test_one_stroke_kills_who_is_never_the_same_process_and_who_shows_as_dead(
    forked: Callable[[Callable[[], object]], int],
) -> None:
    hidden = forked(end_the_first_thread_only)
    wait_for_state(hidden, "Z")
    forked(never_be_the_same_process)
    wait_for(2)
    wiper = forked(kill_all_others)
    wait_for_state(wiper, "Z")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and list(processes_of(UID)):
        time.sleep(0.01)
    assert list(processes_of(UID)) == []
