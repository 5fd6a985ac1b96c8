"""A sandbox for harmless notebooks of ours: the collector in an IPython shell of this very process.

What it gives is recorded by the collector's own session and put together by the host's own `JobSession`, so
that it is evidence as any other; only the walls between are left out, and the seconds that they take.

The collector needs torchvision: import this module where the fixture of that name is asked for.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from traitlets.config import Config

from grader.collector.cells import read_cells
from grader.collector.probes import operators
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

__all__ = ["InProcess", "without_threads_of_other_tests"]


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
                with without_threads_of_other_tests():
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
def without_threads_of_other_tests() -> Iterator[None]:
    """A kernel has none: what waits since an earlier test is no notebook's code at work."""
    earlier, frames = set(sys._current_frames()), operators._FRAMES
    operators._FRAMES = lambda: {thread: at for thread, at in frames().items() if thread not in earlier}
    try:
        yield
    finally:
        operators._FRAMES = frames


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
        shell.display_pub = CapturingDisplayPublisher()
        # What is shown goes through the shell that there is one of, and is drawn as in a notebook.
        InteractiveShell._instance = shell
        before = matplotlib.get_backend()
        shell.enable_gui = lambda gui=None: None
        shell.enable_matplotlib("inline")
        select_figure_formats(shell, {"png"})
        self._session = KernelSession(plan, shell.user_ns, data_dir=self._data_dir, work_dir=self._folder)
        self._session.install(shell)
        self._uninstall = lambda: self._taken_out(before)
        cells = read_cells(notebook, plan.limits)
        self._answer(Opened(cells=cells))
        done = [cell if cell.kind != "code" else self._run_cell(shell, cell) for cell in cells]
        failed = any(cell.run is not None and cell.run.error is not None for cell in done)
        outcome = Outcome.CELL_ERROR if failed else Outcome.COMPLETED
        self._answer(Ran(outcome=outcome, cells=tuple(done), cells_s=0.0, kernel_alive=True))

    def _taken_out(self, backend: str) -> None:
        self._session.uninstall()
        plt.close("all")
        plt.switch_backend(backend)
        InteractiveShell.clear_instance()

    def _run_cell(self, shell: Any, cell: CellRecord) -> CellRecord:
        self._answer(CellStarted(index=cell.index))
        self._session.begin_cell(cell.index)
        printed, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            result = shell.run_cell(cell.source, store_history=True)
        shown = [dict(each["data"]) for each in shell.display_pub.outputs]
        shell.display_pub.outputs.clear()
        if result.result is not None:
            rich = set(shell.display_formatter.format(result.result)[0]) - {"text/plain"}
            shown += [dict.fromkeys(rich, "")] if rich else []
        record = cell.model_copy(
            update={"run": _described(result, printed.getvalue(), errors.getvalue(), shown)}
        )
        collected, arrays = self._session.collect()
        self._answer(CellDone(cell=record, collected=collected), list(arrays))
        return record


def _described(result: Any, printed: str, errors: str, shown: list[dict[str, Any]]) -> CellRun:
    error = result.error_in_exec or result.error_before_exec
    streams = (("stdout", printed), ("stderr", errors))
    written = [Output(kind="stream", name=name, text=text) for name, text in streams if text]
    outputs = (*written, *map(_shown, shown))
    if error is None:
        return CellRun(status="ok", outputs=outputs)
    raised = CellError(type=type(error).__name__, message=str(error))
    return CellRun(status="error", outputs=outputs, error=raised)


def _shown(data: dict[str, Any]) -> Output:
    """What a cell displays, without its pictures themselves."""
    texts = {kind: text if kind.startswith("text/") else "" for kind, text in data.items()}
    return Output(kind="display_data", text=texts.pop("text/plain", ""), data=texts)
