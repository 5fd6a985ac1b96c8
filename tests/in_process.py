"""A sandbox for harmless notebooks of ours: the collector in an IPython shell of this very process.

What it gives is recorded by the collector's own session and put together by the host's own `JobSession`, so
that it is evidence as any other; only the walls between are left out, and the seconds that they take.

The collector needs torchvision: import this module where the fixture of that name is asked for.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.collector.cells import read_cells
from grader.collector.session import KernelSession
from grader.evidence.codec import Bundle
from grader.evidence.frames import (
    CellDone,
    CellStarted,
    Cleaned,
    DriverFrame,
    HostFrame,
    Job,
    Opened,
    ProbeAnswer,
    ProbeRequest,
    Ran,
)
from grader.evidence.plan import Plan
from grader.evidence.record import CellError, CellRecord, CellRun, Environment, Outcome, Output
from grader.sandbox import base
from grader.sandbox.session import JobSession

__all__ = ["InProcess"]


class InProcess:
    """A sandbox that is none: for notebooks that were written for a test, and for no others.

    Args:
        data_dir: Where data sets lie; none where it is None.
    """

    name = "in-process"
    at_once: int | None = 1

    def __init__(self, data_dir: Path | None = None) -> None:
        self._data_dir = data_dir

    def open(self, plan: Plan) -> InProcess:
        return self

    def run(self, job: base.Job, progress: base.Progress | None = None) -> Bundle:
        with _work_folder() as folder:
            driver = _Driver(folder, self._data_dir)
            try:
                session = JobSession(driver, job, Environment(sandbox=self.name), progress)  # type: ignore[arg-type]
                session.run()
                return session.bundle()
            finally:
                driver.close()

    def answers(self) -> bool:
        return True

    def memory_bytes(self, plan: Plan) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""


@contextlib.contextmanager
def _work_folder() -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


class _Driver:
    """The sandbox's end of the frame stream, and the host's: what is sent is answered at once."""

    received_bytes = 0

    def __init__(self, folder: Path, data_dir: Path | None) -> None:
        self._folder = folder
        self._data_dir = data_dir
        self._answers: deque[tuple[DriverFrame, list[np.ndarray]]] = deque()
        self._uninstall: Callable[[], None] = lambda: None

    def send(self, frame: HostFrame, arrays: Sequence[np.ndarray] = ()) -> None:
        if isinstance(frame, Job):
            self._run(frame.plan, arrays[0].tobytes())
        elif isinstance(frame, ProbeRequest):
            result, answered = self._session.probe(frame, list(arrays))
            self._answer(ProbeAnswer(id=frame.id, result=result), list(answered))
        else:
            self._answer(Cleaned())

    def receive(self, deadline: float) -> tuple[DriverFrame, list[np.ndarray]]:
        return self._answers.popleft()

    def close(self) -> None:
        self._uninstall()

    def _answer(self, frame: DriverFrame, arrays: Sequence[np.ndarray] = ()) -> None:
        self._answers.append((frame, list(arrays)))

    def _run(self, plan: Plan, notebook: bytes) -> None:
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.showtraceback = lambda *_, **__: None
        self._session = KernelSession(plan, shell.user_ns, data_dir=self._data_dir, work_dir=self._folder)
        self._session.install(shell)
        self._uninstall = self._session.uninstall
        cells = read_cells(notebook, plan.limits)
        self._answer(Opened(cells=cells))
        done = [cell if cell.kind != "code" else self._run_cell(shell, cell) for cell in cells]
        failed = any(cell.run is not None and cell.run.error is not None for cell in done)
        outcome = Outcome.CELL_ERROR if failed else Outcome.COMPLETED
        self._answer(Ran(outcome=outcome, cells=tuple(done), cells_s=0.0, kernel_alive=True))

    def _run_cell(self, shell: Any, cell: CellRecord) -> CellRecord:
        self._answer(CellStarted(index=cell.index))
        self._session.begin_cell(cell.index)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            result = shell.run_cell(cell.source, store_history=True)
        record = cell.model_copy(update={"run": _described(result, printed.getvalue())})
        collected, arrays = self._session.collect()
        self._answer(CellDone(cell=record, collected=collected), list(arrays))
        return record


def _described(result: Any, printed: str) -> CellRun:
    error = result.error_in_exec or result.error_before_exec
    outputs = (Output(kind="stream", name="stdout", text=printed),) if printed else ()
    if error is None:
        return CellRun(status="ok", outputs=outputs)
    raised = CellError(type=type(error).__name__, message=str(error))
    return CellRun(status="error", outputs=outputs, error=raised)
