"""Real sandboxes, opened once for all tests: a warm container costs seconds, a submission tenths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.select import choose_sandbox

MIB = 1024 * 1024
ROOMY = Limits(memory_bytes=2048 * MIB)
TIGHT = Limits(
    memory_bytes=1024 * MIB, cell_s=2.0, notebook_s=6.0, output_bytes=MIB, cell_output_bytes=MIB // 4
)
FLOODED = TIGHT.model_copy(update={"cell_s": 120.0, "notebook_s": 180.0, "output_bytes": MIB // 4})


def notebook(*sources: str) -> bytes:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def _open(isolation: str, name: str = "docker") -> Iterator[Sandbox]:
    try:
        sandbox = choose_sandbox(
            name,
            isolation=isolation,
            gpus="none",
            data_dir=None,
            run_id=f"test-{isolation}",
            notify=print,
        )
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def fork_sandbox() -> Iterator[Sandbox]:
    yield from _open("fork")


@pytest.fixture(scope="session")
def container_sandbox() -> Iterator[Sandbox]:
    yield from _open("container")


@pytest.fixture(scope="session")
def fork_worker(fork_sandbox: Sandbox) -> Worker:
    return fork_sandbox.open(Plan(assignment="test", limits=ROOMY))


@pytest.fixture(scope="session")
def tight_worker(fork_sandbox: Sandbox) -> Worker:
    return fork_sandbox.open(Plan(assignment="test", limits=TIGHT))


@pytest.fixture(scope="session")
def container_worker(container_sandbox: Sandbox) -> Worker:
    return container_sandbox.open(Plan(assignment="test", limits=ROOMY))


@pytest.fixture(scope="session")
def bubblewrap_sandbox() -> Iterator[Sandbox]:
    yield from _open("container", "bubblewrap")


@pytest.fixture(scope="session")
def bubblewrap_worker(bubblewrap_sandbox: Sandbox) -> Worker:
    try:
        return bubblewrap_sandbox.open(Plan(assignment="test", limits=ROOMY))
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=["fork", "container", "bubblewrap"])
def worker(request: pytest.FixtureRequest) -> Any:
    """A worker of each isolation, for what must hold in all."""
    return request.getfixturevalue(f"{request.param}_worker")


@pytest.fixture
def run() -> Callable[..., Bundle]:
    """Runs cells under the roomy limits, with any other fields of the plan."""

    def run_cells(worker: Worker, *sources: str, progress: Any = None, **plan: Any) -> Bundle:
        asked = Plan(assignment="test", **{"limits": ROOMY, **plan})
        return worker.run(Job("attempt", notebook(*sources), asked), progress)

    return run_cells


@pytest.fixture
def run_tight(run: Callable[..., Bundle], tight_worker: Worker) -> Callable[..., Bundle]:
    """Runs cells under limits that are soon reached."""

    def run_cells(*sources: str, **plan: Any) -> Bundle:
        return run(tight_worker, *sources, limits=TIGHT, **plan)

    return run_cells


@pytest.fixture
def run_flooding(run: Callable[..., Bundle], tight_worker: Worker) -> Callable[..., Bundle]:
    """Runs cells that end by their output, on however slow a machine."""

    def run_cells(*sources: str) -> Bundle:
        return run(tight_worker, *sources, limits=FLOODED)

    return run_cells
