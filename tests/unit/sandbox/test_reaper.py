from __future__ import annotations

import os
import subprocess
import time

import pytest

from grader.sandbox.reaper import is_orphan, labels


@pytest.mark.parametrize("clock_jumped_by_s", [0, 61, -86400])
def test_a_living_owner_keeps_its_containers_whatever_the_clock_says(clock_jumped_by_s: float) -> None:
    assert not is_orphan(labels("run", lifetime_s=60), now=time.time() + clock_jumped_by_s)


def test_a_passed_deadline_makes_an_orphan_of_what_names_no_owner() -> None:
    deadline = {"grader.deadline": labels("run", lifetime_s=60)["grader.deadline"]}
    assert is_orphan(deadline, now=time.time() + 61)
    assert not is_orphan(deadline, now=time.time())


def test_an_owner_that_has_ended_leaves_orphans() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    mine = labels("run", lifetime_s=60)
    dead = mine["grader.instance"].replace(f"/{os.getpid()}/", f"/{ended.pid}/")
    assert is_orphan({**mine, "grader.instance": dead}, now=time.time())


def test_another_process_under_the_same_id_does_not_count_as_the_owner() -> None:
    mine = labels("run", lifetime_s=60)
    host, pid, started = mine["grader.instance"].rsplit("/", 2)
    earlier = f"{host}/{pid}/{int(started) - 1}"
    assert is_orphan({**mine, "grader.instance": earlier}, now=time.time())


def test_owners_on_other_hosts_are_left_alone_until_the_deadline() -> None:
    foreign = {**labels("run", lifetime_s=60), "grader.instance": "elsewhere:boot/1/2"}
    assert not is_orphan(foreign, now=time.time())
    assert is_orphan(foreign, now=time.time() + 61)
