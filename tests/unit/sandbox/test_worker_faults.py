"""Whose fault it is when a container falls silent or ends; and which container may serve which job."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.frames import Cleaned, Opened, ProbeAnswer, Ran
from grader.evidence.plan import Limits, Plan, probe_id
from grader.evidence.record import CellRecord, CellRun, Environment, Outcome, ProbeResult
from grader.sandbox.base import Job
from grader.sandbox.boxes import Boxes
from grader.sandbox.frames import DeadlinePassed, StreamEnded
from grader.sandbox.worker import BoxWorker
from tests.factories import value_probe

CELL = CellRecord(index=0, kind="code", source="x", run=CellRun(status="ok"))
PROBES = tuple(value_probe(name) for name in "abcd")
PLAN = Plan(assignment="test", limits=Limits(probe_s=0.01), probes=PROBES)
RAN = Ran(outcome=Outcome.COMPLETED, cells=(CELL,), cells_s=1.0, kernel_alive=True)
OPENED = Opened(cells=(CELL,))


class Script:
    """Plays the driver."""

    received_bytes = 0

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers

    def send(self, frame: Any, arrays: Any = ()) -> None: ...

    def log(self) -> str:
        return ""

    def receive(self, deadline: float) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, ProbeAnswer) and answer.result.status == "no_answer":
            time.sleep(0.02)
        return answer, []


@dataclass
class Box:
    answers: list[Any]
    limits: Limits = PLAN.limits
    out_of_memory: bool = False
    broken: str = ""
    name: str = "box"
    environment: Environment = field(default_factory=Environment)
    expires: float = float("inf")
    removed: bool = False
    stream: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stream = Script(self.answers)

    def memory_ran_out(self) -> bool:
        return self.out_of_memory

    def fault(self) -> str:
        return self.broken

    def kill(self) -> None:
        self.removed = True

    def remove(self) -> None:
        self.removed = True


def answer(name: str, status: str = "ok") -> ProbeAnswer:
    result = ProbeResult(status=status)  # type: ignore[arg-type]
    return ProbeAnswer(id=probe_id(value_probe(name)), result=result)


def ran_in(*boxes: Box, limits: Limits = PLAN.limits, jobs: int = 1) -> Any:
    started = iter(boxes)
    worker = BoxWorker(lambda _: next(started), PLAN.limits, "fork", Environment(), Boxes())
    plan = PLAN.model_copy(update={"limits": limits})
    return [worker.run(Job("a", b"{}", plan)) for _ in range(jobs)][-1].evidence


ALL = [answer(name) for name in "abcd"]


def test_a_deadline_passed_by_a_running_container_is_the_submissions_timeout() -> None:
    assert ran_in(Box([OPENED, DeadlinePassed()])).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize("before", [[OPENED], [OPENED, RAN]])
def test_a_deadline_passed_by_a_paused_container_is_ours(before: list[Any]) -> None:
    with pytest.raises(SandboxUnavailable) as ours:
        ran_in(Box([*before, DeadlinePassed()], broken="the engine calls it paused"))
    assert "paused" in str(ours.value)


def test_a_container_killed_while_probes_are_asked_is_ours() -> None:
    with pytest.raises(SandboxUnavailable):
        ran_in(Box([OPENED, RAN, answer("a"), StreamEnded("hung up")]))


def test_one_killed_after_the_last_probe_has_given_all_its_evidence() -> None:
    evidence = ran_in(Box([OPENED, RAN, *ALL, StreamEnded("hung up")]))
    assert evidence.outcome is Outcome.COMPLETED
    assert all(result.status == "ok" for result in evidence.probes.values())


def test_one_that_ran_out_of_memory_while_probed_is_the_submissions() -> None:
    evidence = ran_in(Box([OPENED, RAN, StreamEnded("hung up")], out_of_memory=True))
    assert evidence.outcome is Outcome.COMPLETED
    assert evidence.anomalies == ("the sandbox ended early: hung up",)


def test_after_two_silent_probes_no_more_are_asked() -> None:
    box = Box([OPENED, RAN, answer("a", "no_answer"), answer("b", "no_answer"), Cleaned()])
    evidence = ran_in(box)
    details = [evidence.probes[probe_id(probe)].detail for probe in PROBES]
    assert details[2:] == ["not asked: 2 probes before got no answer in time"] * 2


def test_probes_together_take_no_longer_than_a_notebook_may() -> None:
    short = PLAN.limits.model_copy(update={"notebook_s": 0.001, "probe_s": 9.0})
    box = Box([OPENED, RAN, answer("a", "no_answer"), Cleaned()], limits=short)
    evidence = ran_in(box, limits=short)
    assert [result.status for result in evidence.probes.values()] == ["no_answer"] * 4


@pytest.mark.parametrize("changed", [{"cell_s": 1.0}, {"notebook_s": 9.0}, {"collect_s": 2.0}])
def test_other_times_need_no_other_container(changed: dict[str, float]) -> None:
    box = Box([OPENED, RAN, *ALL, Cleaned()])
    ran_in(box, limits=PLAN.limits.model_copy(update=changed))
    assert not box.removed


@pytest.mark.parametrize("changed", [{"pids": 99}, {"memory_bytes": 1 << 30}, {"evidence_bytes": 1 << 25}])
def test_other_bounds_do(changed: dict[str, int]) -> None:
    first, second = Box([]), Box([OPENED, RAN, *ALL, Cleaned()])
    ran_in(first, second, limits=PLAN.limits.model_copy(update=changed))
    assert first.removed


def test_a_container_is_retired_before_its_uids_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.worker._MOST_JOBS", 2)
    whole = [OPENED, RAN, *ALL, Cleaned()]
    first, second = Box(whole * 2), Box(list(whole))
    ran_in(first, second, jobs=3)
    assert (first.removed, second.removed) == (True, False)


def test_what_met_something_of_an_earlier_submission_is_ours_and_the_container_is_not_used_again() -> None:
    box = Box([OPENED, RAN, *ALL, Cleaned(strangers=("process 7 of uid 20000",))])
    with pytest.raises(SandboxUnavailable) as ours:
        ran_in(box)
    assert "process 7 of uid 20000" in str(ours.value)
    assert box.removed
