from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.sandbox.memory import available_bytes
from grader.store import open_store
from grader.store.models import JobRow
from grader.workflows.running.events import Event, Notice
from grader.workflows.running.memory import MemoryBudget
from grader.workflows.running.stopping import StopSignal
from tests import course

from .test_run import Class

GB = 1024**3


def test_who_asks_for_more_than_is_left_waits_for_it() -> None:
    said: list[Event] = []
    budget = MemoryBudget(10, said.append)
    assert budget.take(6, StopSignal())
    waiting = ThreadPoolExecutor(1).submit(budget.take, 5, StopSignal())
    with pytest.raises(TimeoutError):
        waiting.result(timeout=0.3)
    budget.give_back(6)
    assert waiting.result(timeout=60)
    assert len(said) == 1


def test_one_is_let_in_even_where_it_is_too_many_and_this_is_said() -> None:
    said: list[Event] = []
    assert MemoryBudget(2 * GB, said.append).take(4 * GB, StopSignal())
    assert [type(event) for event in said] == [Notice]
    assert "4.3 GB" in str(said[0])
    assert "2.1 GB" in str(said[0])


def test_a_stop_ends_the_wait() -> None:
    budget, stop = MemoryBudget(10, lambda _: None), StopSignal()
    budget.take(6, stop)
    waiting = ThreadPoolExecutor(1).submit(budget.take, 6, stop)
    stop.press()
    assert waiting.result(timeout=60) is False


class LargeSandbox(FakeSandbox):
    """Says that a worker takes a gigabyte, and counts how many run at once."""

    def __init__(self) -> None:
        super().__init__(self._count)
        self.most = 0
        self._running = 0
        self._pair = threading.Barrier(2, timeout=60)
        self._pause = threading.Event()

    def memory_bytes(self, plan: Plan) -> int:
        return GB

    def _count(self, job: Job) -> Bundle:
        self._running += 1
        self._pair.wait()
        self._pause.wait(0.05)  # Time for a third one, which must not come.
        self.most = max(self.most, self._running)
        self._running -= 1
        return course.answer(job)


def test_no_more_submissions_run_at_a_time_than_memory_allows_whatever_jobs_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.workflows.running.run.available_bytes", lambda: 2 * GB)
    box = LargeSandbox()
    with open_store(str(tmp_path / "grader.db")) as store:
        lab = Class(tmp_path, store)
        for number in range(8):
            course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"number = {number}")
        assert lab.grade(box, jobs=4).unfinished == 0
    assert box.most == 2
    assert [event for event in lab.events if isinstance(event, Notice)]


def test_a_submission_that_waited_for_memory_at_a_stop_is_left_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.workflows.running.run.available_bytes", lambda: GB)
    with open_store(str(tmp_path / "grader.db")) as store:
        lab = Class(tmp_path, store)

        def press_when_the_other_waits(job: Job) -> Bundle:
            while not [event for event in lab.events if isinstance(event, Notice)]:
                time.sleep(0.01)
            lab.stop.press()
            return course.answer(job)

        box = course.sandbox(press_when_the_other_waits)
        monkeypatch.setattr(box, "memory_bytes", lambda plan: GB)
        for number in range(3):
            course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"number = {number}")
        assert lab.grade(box, jobs=2).unfinished == 2
        assert sorted((row.state, row.tries) for row in lab.rows(JobRow)) == [
            ("done", 0),
            ("queued", 0),
            ("queued", 0),
        ]


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        ("0::/a/b", {"a/memory.max": "5000", "a/memory.current": "3000", "a/memory.stat": ""}, 2000),
        ("0::/a/b", {"a/b/memory.max": "max", "a/b/memory.current": "3000"}, 9 * 1024),
        (
            "4:memory:/a",
            {
                "memory/a/memory.limit_in_bytes": "5000",
                "memory/a/memory.usage_in_bytes": "4900",
                "memory/a/memory.stat": "total_inactive_file 400\n",
            },
            500,
        ),
        ("0::/../elsewhere", {}, 9 * 1024),
    ],
    ids=["around", "unlimited", "version-1-with-cache", "outside"],
)
def test_the_limit_of_the_control_group_counts(
    tmp_path: Path, cgroup: str, files: dict[str, str], expected: int
) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   9 kB\n")
    (proc / "self" / "cgroup").write_text(f"{cgroup}\n")
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    assert available_bytes(proc, groups) == expected


def test_this_machine_has_some_memory_left() -> None:
    assert available_bytes() > 0
