"""The GPU is looked at between submissions; what fails is not the student's and not used again."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord, CellRun, Environment, Evidence, Outcome, Output
from grader.intake import parse_notebook
from grader.sandbox.base import Job, Progress
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpu_worker import GpuWorker, _notebook, gpu_fault
from grader.sandbox.gpus import GpuSlot

PLAN = Plan(assignment="test", cuda=True)
JOB = Job("a", b"{}", PLAN)
WELL = {"devices": 1, "right": True, "free": 0.98, "share": 0.9}


def evidence(outcome: Outcome = Outcome.COMPLETED, printed: str = "") -> Bundle:
    outputs = (Output(kind="stream", name="stdout", text=printed),)
    cell = CellRecord(index=0, kind="code", source="", run=CellRun(status="ok", outputs=outputs))
    return Bundle(
        Evidence(
            notebook="0" * 64,
            plan="0" * 64,
            outcome=outcome,
            wall_time_s=1.0,
            cells_s=1.0,
            environment=Environment(),
            cells=(cell,),
        )
    )


class PlayedContainers:
    """Opens workers, and plays what looking at a GPU shows there: one entry a look, WELL after the last."""

    def __init__(self, **looks: list[Any]) -> None:
        self.looks = looks
        self.said: list[str] = []
        self.slots = GpuSlots([GpuSlot(name, cdi=True) for name in ("a", "b")], self.said.append)
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.ran_on: list[str] = []
        self.worker = GpuWorker(PLAN, self.slots, self._open, lambda: False)

    def _open(self, slot: GpuSlot, plan: Plan) -> PlayedWorker:
        self.opened.append(slot.name)
        return PlayedWorker(self, slot.name)


class PlayedWorker:
    def __init__(self, containers: PlayedContainers, slot: str) -> None:
        self._all = containers
        self._slot = slot

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        if job is JOB:
            self._all.ran_on.append(self._slot)
            return evidence(Outcome.CELL_ERROR)
        looks = self._all.looks.get(self._slot, [])
        seen = looks.pop(0) if looks else WELL
        return seen if isinstance(seen, Bundle) else evidence(printed=json.dumps(seen))

    def close(self) -> None:
        self._all.closed.append(self._slot)


GONE = evidence(Outcome.SANDBOX_UNAVAILABLE)


def test_a_gpu_that_works_serves_one_submission_after_another_in_one_container() -> None:
    played = PlayedContainers()
    assert [played.worker.run(JOB).evidence.outcome for _ in range(2)] == [Outcome.CELL_ERROR] * 2
    assert (played.opened, played.ran_on) == (["a"], ["a", "a"])


def test_a_submission_whose_gpu_does_not_work_afterwards_is_not_believed() -> None:
    played = PlayedContainers(a=[WELL, GONE])
    with pytest.raises(SandboxUnavailable, match="did not work after") as caught:
        played.worker.run(JOB)
    assert caught.value.where == "a"


def test_a_gpu_that_only_left_its_container_gets_a_fresh_one() -> None:
    played = PlayedContainers(a=[WELL, GONE, GONE])
    with pytest.raises(SandboxUnavailable):
        played.worker.run(JOB)
    played.worker.run(JOB)
    assert (played.opened, played.ran_on, len(played.slots)) == (["a", "a"], ["a", "a"], 2)


def test_a_slot_that_fails_in_a_fresh_container_too_is_given_up_for_another() -> None:
    played = PlayedContainers(a=[GONE, GONE])
    played.worker.run(JOB)
    assert (played.opened, played.ran_on, len(played.slots)) == (["a", "a", "b"], ["b"], 1)
    assert played.closed == ["a", "a"]
    assert "GPU a is not used any more" in played.said[0]


def test_where_every_slot_fails_it_is_the_services_fault() -> None:
    with pytest.raises(SandboxUnavailable, match="no GPU is fit"):
        PlayedContainers(a=[GONE] * 2, b=[GONE] * 2)


def test_closing_gives_the_slot_back() -> None:
    played = PlayedContainers()
    played.worker.close()
    played.worker.close()
    both = [played.slots.take(lambda: False).name for _ in range(2)]
    assert (sorted(both), played.closed) == (["a", "b"], ["a"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"devices": 2}, "2 GPUs are visible"),
        ({"right": False}, "came out wrong"),
        ({"free": 0.2}, "20% of its memory"),
        ({"share": 1.0}, "bound on its memory"),
    ],
)
def test_each_thing_that_can_be_wrong_is_said(change: dict[str, Any], said: str) -> None:
    assert gpu_fault(evidence(printed=json.dumps(WELL))) is None
    assert said in str(gpu_fault(evidence(printed=json.dumps({**WELL, **change}))))


def test_the_notebook_that_looks_measures_what_is_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ones, free = torch.ones, iter([(1, 10), (9, 10)])
    monkeypatch.setattr(torch, "ones", lambda *shape, device: ones(*shape))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: next(free))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda: 0.9)
    monkeypatch.setattr("time.sleep", lambda _: None)
    exec(parse_notebook(_notebook())[0].source, {})
    assert gpu_fault(evidence(printed=capsys.readouterr().out)) is None


@pytest.mark.parametrize("printed", ["", "{}x"])
def test_a_look_without_a_result_is_a_fault(printed: str) -> None:
    assert gpu_fault(evidence(printed=printed)) is not None
