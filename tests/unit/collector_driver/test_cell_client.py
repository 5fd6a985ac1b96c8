"""How a cell ends by what arrives from its kernel, and when; the kernel is played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grader.collector import client as module
from grader.collector.client import CellClient
from grader.collector.connection import Connection
from grader.evidence.plan import Limits
from grader.evidence.record import CellRun
from grader.own_time import OwnTime

REPLY = {"parent_header": {"msg_id": "cell"}, "content": {"status": "ok", "execution_count": 1}}


class PlayedConnection:
    """Gives outputs one after another, and the reply at once; then nothing more comes."""

    def __init__(self, outputs: list[dict[str, Any]]) -> None:
        self._outputs = outputs
        self.malformed: list[str] = []
        self.note: Callable[[Exception], None] = lambda error: Connection.note(self, error)  # type: ignore[arg-type]

    async def reply(self, message_id: str) -> dict[str, Any]:
        return REPLY

    async def message(self, channel: Any) -> dict[str, Any]:
        if not self._outputs:
            await asyncio.Event().wait()
        return self._outputs.pop(0)


def message(kind: str, **content: Any) -> dict[str, Any]:
    return {"parent_header": {"msg_id": "cell"}, "msg_type": kind, "content": content}


IDLE = message("status", execution_state="idle")
PRINTED = message("stream", name="stdout", text="printed")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[CellRun, CellClient]]:
    """Runs a cell whose kernel sends these outputs."""
    monkeypatch.setattr(module, "_IOPUB_S", 0.01)

    async def run_cell(outputs: list[dict[str, Any]], limits: Limits) -> tuple[CellRun, CellClient]:
        forked: Any = SimpleNamespace(died=asyncio.Event())
        client = CellClient(forked, limits, OwnTime(lambda: (), 1.0), lambda left_s: None)
        played: Any = PlayedConnection(outputs)
        client._connection = played
        client.kc = SimpleNamespace(execute=lambda *_, **__: "cell", iopub_channel=None)  # type: ignore[assignment]
        return await client.run_cell("x", timeout_s=60), client

    return lambda *outputs, limits=Limits(): asyncio.run(run_cell([*outputs], limits))  # noqa: B008


def test_outputs_that_come_to_their_end_are_complete(run: Callable[..., Any]) -> None:
    cell, client = run(PRINTED, IDLE)
    assert (cell.status, cell.cut, client.outputs_missing) == ("ok", False, False)
    assert [output.text for output in cell.outputs] == ["printed"]


def test_an_end_that_is_not_announced_is_no_excess_of_output(run: Callable[..., Any]) -> None:
    cell, client = run(PRINTED)
    assert (cell.status, cell.cut, client.outputs_missing) == ("ok", True, True)
    assert not client.flooded
    assert [output.text for output in cell.outputs] == ["printed"]


def test_more_than_is_allowed_is_an_excess_though_the_end_is_not_announced(run: Callable[..., Any]) -> None:
    cell, client = run(PRINTED, PRINTED, limits=Limits(output_bytes=10))
    assert (cell.status, client.flooded) == ("output_limit", True)


def test_a_deeply_nested_output_costs_itself_and_nothing_that_comes_after_it(run: Callable[..., Any]) -> None:
    deep: Any = "core"
    for _ in range(100_000):
        deep = [deep]
    cell, client = run(message("display_data", data={"application/json": deep}), PRINTED, IDLE)
    assert (cell.status, client.outputs_missing) == ("ok", False)
    assert [output.text for output in cell.outputs][-1] == "printed"


def test_a_message_too_deep_to_be_read_is_noted_in_plain_words() -> None:
    connection: Any = SimpleNamespace(malformed=[])
    Connection.note(connection, RecursionError("maximum recursion depth exceeded"))
    (line,) = connection.malformed
    assert "too deep to be read" in line
    assert "recursion" not in line
