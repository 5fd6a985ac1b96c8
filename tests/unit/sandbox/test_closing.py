"""The worker of a sandbox: what closing it does to what is warm, at work, or just starting."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Environment, Outcome
from grader.sandbox.base import Job
from grader.sandbox.boxes import Boxes
from grader.sandbox.worker import BoxWorker, Isolation

from .boxes import PlayedBox

PLAN = Plan(assignment="test")
JOB = Job("a", b"{}", PLAN)


class Sandbox:
    """Starts played boxes for one worker."""

    def __init__(self, isolation: Isolation = "fork", *, hang: bool = False) -> None:
        self.boxes = Boxes()
        self.started: list[PlayedBox] = []
        self._hang = hang
        self.worker = BoxWorker(self._start, PLAN.limits, isolation, Environment(), self.boxes)

    def _start(self, limits: Limits) -> PlayedBox:
        box = PlayedBox(limits, hang=self._hang)
        self.started.append(box)
        self.boxes.add(box)
        return box


def run_in_thread(sandbox: Sandbox) -> Future[Bundle]:
    future = ThreadPoolExecutor(1).submit(sandbox.worker.run, JOB)
    assert sandbox.started[0].stream.waited_for.wait(60)
    return future


def test_a_box_serves_one_submission_after_another() -> None:
    sandbox = Sandbox()
    assert [sandbox.worker.run(JOB).evidence.outcome for _ in range(2)] == [Outcome.COMPLETED] * 2
    assert len(sandbox.started) == 1


def test_where_each_submission_gets_a_box_of_its_own_one_that_ran_only_ours_may_serve_one() -> None:
    sandbox = Sandbox("container")
    ours = Job("look", b"{}", PLAN, ours=True)
    for job in (ours, JOB, ours, JOB, ours, JOB):
        sandbox.worker.run(job)
    # The last one stands by.
    sandbox.worker.close()
    assert [box.stream.jobs for box in sandbox.started] == [2, 2, 2, 0]
    assert all(box.ended for box in sandbox.started)


def test_a_box_that_would_run_out_in_the_middle_of_a_submission_is_replaced_before() -> None:
    sandbox = Sandbox()
    sandbox.started[0].expires = time.monotonic() + PLAN.limits.notebook_s
    sandbox.worker.run(JOB)
    assert [box.ended for box in sandbox.started] == [True, False]


@pytest.mark.parametrize("isolation", ["fork", "container"])
def test_closing_ends_the_submission_that_runs_and_is_nobodys_time_out(isolation: Isolation) -> None:
    sandbox = Sandbox(isolation, hang=True)
    running = run_in_thread(sandbox)
    sandbox.boxes.close()
    with pytest.raises(SandboxUnavailable):
        running.result(timeout=60)
    sandbox.worker.close()
    assert all(box.ended for box in sandbox.started)


def test_closing_ends_a_box_that_is_still_starting() -> None:
    boxes, box = Boxes(), PlayedBox(Limits(), hang=True)
    boxes.add(box)
    starting = ThreadPoolExecutor(1).submit(box.wait_until_ready)
    assert box.stream.waited_for.wait(60)
    boxes.close()
    assert starting.exception(timeout=60) is not None


@pytest.mark.parametrize("isolation", ["fork", "container"])
def test_a_closed_worker_of_an_open_sandbox_starts_nothing(isolation: Isolation) -> None:
    sandbox = Sandbox(isolation)
    sandbox.worker.close()
    started = len(sandbox.started)
    with pytest.raises(SandboxUnavailable, match="closed"):
        sandbox.worker.run(JOB)
    assert len(sandbox.started) == started
    assert all(box.ended for box in sandbox.started)


def test_after_closing_nothing_is_started_and_nothing_run() -> None:
    sandbox = Sandbox()
    sandbox.boxes.close()
    late = PlayedBox(Limits())
    with pytest.raises(SandboxUnavailable, match="broken off"):
        sandbox.boxes.add(late)
    assert late.ended
    with pytest.raises(SandboxUnavailable, match="broken off"):
        sandbox.worker.run(JOB)


def test_a_box_that_will_not_be_killed_does_not_save_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, both = Boxes(), [PlayedBox(Limits()), PlayedBox(Limits())]
    for box in both:
        boxes.add(box)

    def refuse(box: PlayedBox) -> None:
        box.ended = True
        raise PermissionError("not mine")

    monkeypatch.setattr(PlayedBox, "kill", refuse)
    boxes.close()
    assert [box.ended for box in both] == [True, True]
