"""What `grader.sandbox.base` promises of every sandbox: also of the fake, on which workflows are tested."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import torch

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle, decode, encode
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Plan, probe_id
from grader.evidence.record import CellError, CellRun, Evidence, Outcome, ProbeResult, WatchedValue
from grader.evidence.values import ArrayValue
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.fake import FakeSandbox
from tests.factories import cell, evidence, value_of, value_probe

from .conftest import KINDS, ROOMY, Opened, notebook, open_sandbox

Event = CellStarted | CellDone | Ran

PROBE = value_probe("x")
PLAN = Plan(assignment="test", limits=ROOMY, watch=("x",), probes=(PROBE,), seed=7)
SOURCES = (
    "import torch\nx = torch.arange(3)\nprint('a')",
    "1 / 0",
    "",
    # Below Python: `os._exit` ends the cell only.
    "import ctypes; ctypes.CDLL(None)._exit(0)",
    "print('never')",
)
#: Cell 0 is text, and nothing that is run.
NOTEBOOK = notebook(nbformat.v4.new_markdown_cell("# Title"), *SOURCES)
ENDLESS = notebook("import time; time.sleep(600)")
STATUSES = ["ok", "error", "ok", "died", "not_run"]
TOLD = [
    *[(kind, index) for index in (1, 2, 3, 4) for kind in ("cell_started", "cell_done")],
    ("ran", None),
]  # fmt: skip

#: Boxes that a worker may hold at a time, each with the plan's memory.
BOXES = {"fake": 0, "fork": 1, "container": 2, "bubblewrap": 2}
NAMES = {"fake": "fake", "fork": "docker", "container": "docker", "bubblewrap": "bubblewrap"}


def recorded(job: Job) -> Bundle:
    """What the fake answers: evidence of the notebooks above and of what is none, put together by hand."""
    if job.notebook == ENDLESS:
        return Bundle(evidence([cell(0)]))
    if job.notebook != NOTEBOOK:
        return Bundle(evidence(outcome=Outcome.INVALID_SUBMISSION, outcome_detail="no notebook"))
    arrays: list[np.ndarray] = []
    raised = CellError(type="ZeroDivisionError", message="division by zero", line=1)
    cells = [
        cell(0, "# Title", kind="markdown"),
        cell(1, SOURCES[0], printed="a\n"),
        cell(2, SOURCES[1], error=raised),
        cell(3),
        cell(4, SOURCES[3]).model_copy(update={"run": CellRun(status="died")}),
        cell(5, SOURCES[4], run=False),
    ]
    found = evidence(
        cells,
        outcome=Outcome.KERNEL_DIED,
        outcome_detail="cell 4: the kernel's process ended",
        values=(WatchedValue(name="x", cell=1, value=value_of(torch.arange(3), arrays)),),
        probes={probe_id(PROBE): ProbeResult(status="no_answer", detail="the kernel is dead")},
    )
    return Bundle(found, arrays)


class Run(NamedTuple):
    """One submission: what came of it, and what was told while it ran."""

    bundle: Bundle
    events: list[Event]

    @property
    def evidence(self) -> Evidence:
        return self.bundle.evidence


def run_in(worker: Worker, raw: bytes) -> Run:
    events: list[Event] = []
    bundle = worker.run(Job("attempt", raw, PLAN), events.append)
    return Run(bundle, events)


def told(events: list[Event]) -> list[tuple[str, int | None]]:
    return [(event.type, place(event)) for event in events]


def place(event: Event) -> int | None:
    """Index of the cell that an event is about."""
    if isinstance(event, Ran):
        return None
    return event.index if isinstance(event, CellStarted) else event.cell.index


@pytest.fixture(scope="module", params=["fake", *KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of sandbox and the fake."""
    return str(request.param)


@pytest.fixture(scope="module")
def open_another(kind: str) -> Callable[[], Sandbox]:
    """Opens a sandbox that a test may close."""
    return lambda: FakeSandbox(recorded) if kind == "fake" else open_sandbox(kind)


@pytest.fixture(scope="module")
def sandbox(kind: str, opened: Opened) -> Sandbox:
    return FakeSandbox(recorded) if kind == "fake" else opened.sandbox(kind)


@pytest.fixture(scope="module")
def worker(kind: str, sandbox: Sandbox, opened: Opened) -> Worker:
    return sandbox.open(PLAN) if kind == "fake" else opened.worker(kind, ROOMY)


# First, while the shared container is still warm: a dead kernel ends it.
def test_what_is_no_notebook_is_an_invalid_submission_without_cells(worker: Worker) -> None:
    ran = run_in(worker, b"{}")
    assert ran.evidence.outcome is Outcome.INVALID_SUBMISSION
    assert ran.evidence.outcome_detail
    assert ran.evidence.cells == ()
    assert told(ran.events) == [("ran", None)]
    assert isinstance(ran.events[0], Ran)
    assert not ran.events[0].kernel_alive


@pytest.fixture(scope="module")
def ran(worker: Worker) -> Run:
    return run_in(worker, NOTEBOOK)


def test_evidence_says_of_which_notebook_and_plan_it_is_and_where_it_was_made(
    ran: Run, sandbox: Sandbox
) -> None:
    assert ran.evidence.notebook == hashlib.sha256(NOTEBOOK).hexdigest()
    assert ran.evidence.plan == PLAN.digest
    assert ran.evidence.environment.sandbox == sandbox.name
    assert ran.evidence.environment.seed == PLAN.seed
    assert ran.evidence.probes.keys() == {probe_id(PROBE)}


def test_evidence_survives_the_store_with_its_arrays(ran: Run) -> None:
    kept = decode(encode(ran.bundle))
    assert kept.evidence == ran.evidence
    (watched,) = [value for value in kept.evidence.values if value.name == "x"]
    assert isinstance(watched.value, ArrayValue)
    array = kept.array(watched.value)
    assert array is not None
    assert array.tolist() == [0, 1, 2]


def test_each_code_cell_has_a_status_and_text_has_none(ran: Run) -> None:
    runs = [cell.run for cell in ran.evidence.cells]
    assert runs[0] is None
    assert [run.status for run in runs[1:] if run is not None] == STATUSES
    assert ran.evidence.outcome is Outcome.KERNEL_DIED
    assert ran.evidence.outcome_detail.startswith("cell 4")
    assert ran.evidence.probes[probe_id(PROBE)].status == "no_answer"


def test_cells_are_told_of_as_they_start_and_end_and_then_the_notebooks_end(ran: Run) -> None:
    assert told(ran.events) == TOLD


def test_what_is_told_is_what_is_recorded(ran: Run) -> None:
    done = {event.cell.index: event.cell for event in ran.events if isinstance(event, CellDone)}
    assert done == {cell.index: cell for cell in ran.evidence.cells if cell.index in done}
    end = ran.events[-1]
    assert isinstance(end, Ran)
    assert (end.outcome, end.detail) == (ran.evidence.outcome, ran.evidence.outcome_detail)
    assert (end.cells, end.cells_s) == (ran.evidence.cells, ran.evidence.cells_s)
    assert not end.kernel_alive


def test_a_sandbox_says_what_it_is_and_what_it_takes(kind: str, sandbox: Sandbox) -> None:
    assert sandbox.name == NAMES[kind]
    assert sandbox.answers()
    assert sandbox.at_once is None
    assert sandbox.memory_bytes(PLAN) == BOXES[kind] * ROOMY.memory_bytes


def test_closing_ends_what_runs_as_the_services_fault_and_nothing_is_run_or_opened_after(
    open_another: Callable[[], Sandbox],
) -> None:
    sandbox = open_another()
    worker = sandbox.open(PLAN)
    events: list[Event] = []

    def close_at_the_first_event(event: Event) -> None:
        events.append(event)
        sandbox.close()

    with pytest.raises(SandboxUnavailable):
        worker.run(Job("attempt", ENDLESS, PLAN), close_at_the_first_event)
    assert told(events) == [("cell_started", 0)]
    with pytest.raises(SandboxUnavailable, match="broken off"):
        worker.run(Job("attempt", NOTEBOOK, PLAN))
    with pytest.raises(SandboxUnavailable, match="broken off"):
        sandbox.open(PLAN)
    for _ in range(2):
        worker.close()
        sandbox.close()


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_the_fake_tells_a_recorded_submission_as_it_was_told(ran: Run) -> None:
    again = run_in(FakeSandbox(lambda job: ran.bundle).open(PLAN), NOTEBOOK)
    assert told(again.events) == told(ran.events)
    for now, then in zip(again.events, ran.events, strict=True):
        # The frames of a driver are numbered, and carry what it collected.
        plain = {"seq": 0, **({"collected": None} if isinstance(then, CellDone) else {})}
        assert now == then.model_copy(update=plain)


@pytest.mark.parametrize("error", [SandboxUnavailable("engine gone"), RuntimeError("engine gone")])
def test_the_fake_raises_an_error_for_an_answer(error: Exception) -> None:
    with pytest.raises(type(error), match="engine gone"):
        run_in(FakeSandbox(lambda job: error).open(PLAN), NOTEBOOK)


@pytest.mark.parametrize("last", range(len(TOLD)))
def test_the_fake_ends_wherever_it_is_closed_and_answers_no_more(last: int) -> None:
    sandbox = FakeSandbox(recorded)
    worker = sandbox.open(PLAN)
    events: list[Event] = []

    def close_at_the_last(event: Event) -> None:
        events.append(event)
        if len(events) > last:
            sandbox.close()

    for _ in range(2):
        with pytest.raises(SandboxUnavailable, match="broken off"):
            worker.run(Job("attempt", NOTEBOOK, PLAN), close_at_the_last)
    assert told(events) == TOLD[: last + 1]
    assert len(sandbox.jobs) == 1
