"""What a submission waited for a processor that others had is not its own time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader import own_time
from grader.evidence.plan import MOST_BY_THE_WALL
from grader.own_time import OwnTime, descendants, stolen_s, used_s, waits_s


class Machine:
    """A clock on the wall, and what Linux counts of one process."""

    def __init__(self, monkeypatch, cpus=1.0):
        self.wall, self.used, self.stolen = 100.0, 3.0, 11.0
        #: Of our own process, which hears of the end, and of two threads of the submission.
        self.ours, self.waited, self.other = 2.0, 7.0, 5.0
        monkeypatch.setattr(own_time, "time", SimpleNamespace(monotonic=lambda: self.wall))
        monkeypatch.setattr(own_time, "waits_s", self._waits)
        monkeypatch.setattr(own_time, "stolen_s", lambda: self.stolen)
        monkeypatch.setattr(own_time, "used_s", lambda pid: self.used)
        self.clock = OwnTime(lambda: (1,), cpus)

    def _waits(self, pid):
        return {10: self.ours} if pid == os.getpid() else {1: self.waited, 2: self.other}

    def pass_by(self, *, wall, waited=0.0, used=0.0, other=0.0, ours=0.0, stolen=0.0):
        self.wall += wall
        self.waited += waited
        self.used += used
        self.other += other
        self.ours += ours
        self.stolen += stolen
        return self.clock.now()


def test_alone_on_a_machine_it_is_the_walls(monkeypatch):
    assert Machine(monkeypatch).pass_by(wall=10, used=10) == 10


def test_sleeping_is_ones_own_time(monkeypatch):
    assert Machine(monkeypatch).pass_by(wall=10, used=0) == 10


def test_what_others_took_does_not_count(monkeypatch):
    machine = Machine(monkeypatch)
    assert machine.pass_by(wall=100, waited=90, used=10) == pytest.approx(10)
    assert not machine.clock.starved


def test_waiting_for_ones_own_threads_counts(monkeypatch):
    # 100 threads on one processor: each waits most of the time, and none of it for others.
    machine = Machine(monkeypatch, cpus=1.0)
    assert machine.pass_by(wall=100, waited=99, used=100) == pytest.approx(100)
    assert not machine.clock.starved


def test_waits_of_threads_that_follow_one_another_add_up(monkeypatch):
    machine = Machine(monkeypatch)
    assert machine.pass_by(wall=10, waited=4, other=1, ours=2, stolen=1, used=1) == pytest.approx(2)


def test_where_nothing_is_heard_here_our_own_waiting_does_not_count(monkeypatch):
    machine = Machine(monkeypatch)
    machine.clock = OwnTime(lambda: (1,), 1.0, heard_here=False)
    assert machine.pass_by(wall=10, ours=8, waited=1, used=1) == pytest.approx(9)
    assert (machine.clock.used_s, machine.clock.waited_s) == (4.0, 1.0)


def test_threads_that_wait_at_a_time_give_no_credit_for_later(monkeypatch):
    machine = Machine(monkeypatch)
    starved = machine.pass_by(wall=10, waited=10, other=10, used=1)
    assert starved == pytest.approx(1)
    assert machine.pass_by(wall=5) == pytest.approx(5)


def test_a_thread_that_ends_takes_none_of_its_waiting_along(monkeypatch):
    machine = Machine(monkeypatch)
    machine.pass_by(wall=10, waited=6)
    machine.waited = 0.0
    assert machine.pass_by(wall=10, waited=7) == pytest.approx(7)


def test_by_the_wall_there_is_an_end(monkeypatch):
    machine = Machine(monkeypatch)
    assert machine.pass_by(wall=1000, waited=1000) == pytest.approx(1000 / MOST_BY_THE_WALL)
    assert machine.clock.starved


def test_it_never_goes_back_where_threads_end(monkeypatch):
    machine = Machine(monkeypatch)
    before = machine.pass_by(wall=10, waited=5, used=5)
    assert machine.pass_by(wall=1, waited=-12, used=-8) >= before


def test_where_nobody_counts_it_is_the_walls(monkeypatch):
    assert waits_s(2**22 + 1) == {} and used_s(2**22 + 1) == 0.0
    machine = Machine(monkeypatch)
    monkeypatch.setattr(own_time, "waits_s", lambda pid: {})
    machine.clock = OwnTime(lambda: (), 1.0)
    machine.wall += 10
    assert machine.clock.now() == 10


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not count")
def test_linux_counts_what_a_process_worked_and_waited():
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    assert used_s(process.pid) >= 0.25
    assert waits_s(process.pid).keys() >= {process.pid}
    assert stolen_s() >= 0.0
    process.communicate(b"\n")


def test_a_kernel_in_a_world_of_its_own_is_below_the_process_that_was_forked():
    inner = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
    outer = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {inner!r}], stdin=sys.stdin)\n"
        "child.wait()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    kernel = int(process.stdout.readline())
    assert descendants(process.pid) == {process.pid, kernel}
    process.communicate("")
