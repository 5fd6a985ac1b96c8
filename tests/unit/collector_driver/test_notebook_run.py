"""When a notebook is over, by a clock that leaves out what the machine took; kernel and clock are played."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from grader.collector import notebook as module
from grader.collector.cgroup import MemoryCount
from grader.collector.notebook import NotebookRun
from grader.evidence.frames import Ran
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import CellRecord, CellRun, Outcome

LIMITS = Limits(cell_s=6, notebook_s=8)


class PlayedClock:
    """Goes on with each cell, and back when the machine tells what it took."""

    starved = False

    def __init__(self, *ignored: Any) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


class PlayedClient:
    """A cell whose source is a number takes so many seconds; `back` of them were the machine's.

    One whose source is a word ends by that status.
    """

    flooded = False
    outputs_missing = False
    malformed: tuple[str, ...] = ()

    def __init__(self, forked: Any, limits: Limits, clock: PlayedClock, beat: Any) -> None:
        self._clock = clock

    async def connect(self) -> None:
        """There is no kernel."""

    async def request(self, operation: str, **content: Any) -> tuple[bytes, list[Any]]:
        return b"{}", []

    async def run_cell(self, source: str, timeout_s: float) -> CellRun:
        if source.isidentifier():
            return CellRun(status=source)
        took, _, back = source.partition(" back ")
        late = float(took) > timeout_s
        self._clock.at += min(float(took), timeout_s) - float(back or 0)
        return CellRun(status="timeout" if late else "ok")


def ran(monkeypatch: pytest.MonkeyPatch, *sources: str) -> Ran:
    monkeypatch.setattr(module, "OwnTime", PlayedClock)
    monkeypatch.setattr(module, "CellClient", PlayedClient)
    forked: Any = SimpleNamespace(died=asyncio.Event(), pid=1, uid=1)
    cells = [CellRecord(index=index, kind="code", source=source) for index, source in enumerate(sources)]
    run = NotebookRun(forked, Plan(assignment="test", limits=LIMITS), cells, send=lambda *_: None)
    return asyncio.run(run.run())


def statuses(found: Ran) -> list[str]:
    return [cell.run.status for cell in found.cells if cell.run is not None]


def test_a_notebook_whose_time_was_used_up_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ran(monkeypatch, "5", "5 back 0.5", "0.1", "0.1")
    assert statuses(found) == ["ok", "timeout", "not_run", "not_run"]
    assert found.outcome is Outcome.TIMEOUT
    assert found.detail == "cell 1: the notebook took longer than 8 s"


def test_a_notebook_goes_on_after_a_cell_that_took_too_long_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ran(monkeypatch, "7", "1", "0.5")
    assert statuses(found) == ["timeout", "ok", "ok"]
    assert found.detail == "cell 0: longer than 6 s"


def test_what_the_machine_took_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ran(monkeypatch, "5 back 3", "5", "0.5")
    assert statuses(found) == ["ok", "ok", "ok"]
    assert found.outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("ending", "outcome", "detail"),
    [
        ("output_limit", Outcome.OUTPUT_LIMIT, "cell 0: more than 16 MiB of output"),
        ("died", Outcome.OUT_OF_MEMORY, "cell 0: more than 4096 MiB of memory"),
        ("timeout", Outcome.OUT_OF_MEMORY, "more than 4096 MiB of memory"),
    ],
)
def test_what_a_flood_takes_of_memory_is_not_the_cause(
    monkeypatch: pytest.MonkeyPatch, ending: str, outcome: Outcome, detail: str
) -> None:
    counted = iter([MemoryCount(), MemoryCount(kills=1, limit_hits=1)])
    monkeypatch.setattr(module, "count_memory", lambda: next(counted))
    found = ran(monkeypatch, ending)
    assert (found.outcome, found.detail) == (outcome, detail)
