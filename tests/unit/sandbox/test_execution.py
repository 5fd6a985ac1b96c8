"""Execution alone: bytes and a plan in, evidence out; no rubric, no store."""

from __future__ import annotations

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job
from grader.sandbox.execution import Execution, NoRoom
from tests import course


class Memory:
    """Counts what is held; gives nothing more than `left` bytes."""

    def __init__(self, left: int = 10**15) -> None:
        self.left = left
        self.held = 0

    def take(self, size_bytes: int) -> bool:
        fits = size_bytes <= self.left
        self.held += size_bytes * fits
        return fits

    def give_back(self, size_bytes: int) -> None:
        self.held -= size_bytes


def execution(box: object, memory: Memory) -> Execution:
    return Execution(box, take=memory.take, give_back=memory.give_back)


PLAN = Plan(assignment="mini")
NOTEBOOK = course.notebook(course.GOOD)


def test_bytes_and_a_plan_become_evidence_with_the_files_beside_them() -> None:
    box, memory = course.sandbox(), Memory()
    runs = execution(box, memory)
    bundle = runs.run(NOTEBOOK, PLAN, files=(("helper.py", b"x = 1"),))
    assert bundle.evidence.outcome is Outcome.COMPLETED
    assert bundle.evidence.plan == PLAN.digest
    assert [(job.notebook, job.plan, job.files) for job in box.jobs] == [
        (NOTEBOOK, PLAN, (("helper.py", b"x = 1"),))
    ]
    assert memory.held == box.memory_bytes(PLAN)
    runs.close()
    runs.close()
    assert memory.held == 0


def test_one_worker_serves_notebooks_of_one_plan_and_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    box, memory = course.sandbox(), Memory()
    opened: list[Plan] = []
    open_worker = box.open
    monkeypatch.setattr(box, "open", lambda plan: opened.append(plan) or open_worker(plan))
    runs = execution(box, memory)
    other = Plan(assignment="mini", cuda=True)
    for plan in (PLAN, PLAN, other, other, PLAN):
        runs.run(NOTEBOOK, plan)
    assert opened == [PLAN, other, PLAN]
    assert memory.held == box.memory_bytes(PLAN)


def test_a_fault_of_ours_is_no_evidence() -> None:
    box = course.sandbox(lambda job: course.answer(job, outcome=Outcome.SANDBOX_UNAVAILABLE, detail="gone"))
    with pytest.raises(SandboxUnavailable, match="gone"):
        execution(box, Memory()).run(NOTEBOOK, PLAN)


def test_nothing_begins_without_memory_or_without_a_sandbox() -> None:
    asked: list[Job] = []
    box = course.sandbox(lambda job: asked.append(job) or course.answer(job))
    box.memory_bytes = lambda plan: 2
    with pytest.raises(NoRoom):
        execution(box, Memory(left=1)).run(NOTEBOOK, PLAN)
    with pytest.raises(SandboxUnavailable, match="no sandbox was opened"):
        execution(None, Memory()).run(NOTEBOOK, PLAN)
    assert asked == []
