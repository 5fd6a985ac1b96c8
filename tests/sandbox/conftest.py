"""Real sandboxes, opened once for all tests: a warm one costs seconds, a submission in it tenths."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.select import choose_sandbox

MIB = 1024 * 1024
ROOMY = Limits(memory_bytes=2048 * MIB)
TIGHT = Limits(
    memory_bytes=1024 * MIB,
    work_bytes=32 * MIB,
    pids=64,
    cell_s=2.0,
    notebook_s=60.0,
    output_bytes=MIB,
    cell_output_bytes=MIB // 4,
)


def in_sandbox(kind: str, *more: Any, name: str = "") -> Any:
    """Parameters of a test in one kind of sandbox; those of Docker need an engine."""
    marks = () if kind == "bubblewrap" else pytest.mark.docker
    return pytest.param(kind, *more, id=f"{kind}-{name}" if name else kind, marks=marks)


#: What a test of every sandbox runs in: Docker in both modes, and bubblewrap.
KINDS = [in_sandbox(kind) for kind in ("fork", "container", "bubblewrap")]


def notebook(*cells: str | nbformat.NotebookNode) -> bytes:
    """A notebook; a string is the source of a code cell."""
    nodes = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=nodes)).encode()


def open_sandbox(kind: str) -> Sandbox:
    """Opens a sandbox of a kind; skips where bubblewrap cannot work, which is no defect of ours."""
    if kind == "bubblewrap":
        _require_bubblewrap()
    name, isolation = ("bubblewrap", "container") if kind == "bubblewrap" else ("docker", kind)
    return choose_sandbox(
        name, isolation=isolation, gpus="none", data_dir=None, run_id=f"test-{kind}", notify=print
    )


def _require_bubblewrap() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed here")
    tried = subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"bubblewrap gets no namespaces here: {tried.stderr.strip()}")


class Opened:
    """Sandboxes and workers, each opened when a test first asks for it."""

    def __init__(self) -> None:
        self._sandboxes: dict[str, Sandbox] = {}
        self._workers: dict[tuple[str, str], Worker] = {}

    def sandbox(self, kind: str) -> Sandbox:
        if kind not in self._sandboxes:
            self._sandboxes[kind] = open_sandbox(kind)
        return self._sandboxes[kind]

    def worker(self, kind: str, limits: Limits) -> Worker:
        key = kind, limits.model_dump_json()
        if key not in self._workers:
            self._workers[key] = self.sandbox(kind).open(Plan(assignment="test", limits=limits))
        return self._workers[key]

    def close(self) -> None:
        for sandbox in self._sandboxes.values():
            sandbox.close()


@pytest.fixture(scope="session")
def opened() -> Iterator[Opened]:
    sandboxes = Opened()
    yield sandboxes
    sandboxes.close()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of sandbox, for what must hold in all."""
    return str(request.param)


@pytest.fixture(scope="module")
def worker(opened: Opened, kind: str) -> Worker:
    return opened.worker(kind, ROOMY)


@pytest.fixture(scope="module")
def tight_worker(opened: Opened, kind: str) -> Worker:
    return opened.worker(kind, TIGHT)


@pytest.fixture(scope="session")
def fork_worker(opened: Opened) -> Worker:
    return opened.worker("fork", ROOMY)


@pytest.fixture(scope="session")
def bubblewrap_worker(opened: Opened) -> Worker:
    return opened.worker("bubblewrap", ROOMY)


@pytest.fixture(scope="session")
def run() -> Callable[..., Bundle]:
    """Runs cells under the roomy limits, with any other fields of the plan."""

    def run_cells(worker: Worker, *sources: str, progress: Any = None, **plan: Any) -> Bundle:
        asked = Plan(assignment="test", **{"limits": ROOMY, **plan})
        return worker.run(Job("attempt", notebook(*sources), asked), progress)

    return run_cells
