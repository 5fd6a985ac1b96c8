"""A sandbox without processes: answers jobs from a function, for tests of what comes after."""

from __future__ import annotations

from collections.abc import Callable

from grader.evidence.codec import Bundle
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Plan
from grader.sandbox.base import Job, Progress

__all__ = ["FakeSandbox", "FakeWorker"]


class FakeSandbox:
    """Gives workers that answer each job with `answer(job)`.

    Args:
        answer: Evidence for a job, or an exception to raise, as ``SandboxUnavailable``.

    Attributes:
        jobs: Every job that was run, oldest first.
    """

    name = "fake"
    at_once: int | None = None

    def __init__(self, answer: Callable[[Job], Bundle | Exception]) -> None:
        self._answer = answer
        self.jobs: list[Job] = []

    def open(self, plan: Plan) -> FakeWorker:
        return FakeWorker(self._run)

    def memory_bytes(self, plan: Plan) -> int:
        return 0

    def _run(self, job: Job) -> Bundle:
        self.jobs.append(job)
        answer = self._answer(job)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answers(self) -> bool:
        """As long as this process lives."""
        return True

    def close(self) -> None:
        """Nothing is held."""


class FakeWorker:
    def __init__(self, run: Callable[[Job], Bundle]) -> None:
        self._run = run

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Answers a job, and tells `progress` of its cells as a real sandbox would."""
        bundle = self._run(job)
        if progress is not None:
            _replay(bundle, progress)
        return bundle

    def close(self) -> None:
        """Nothing is held."""


def _replay(bundle: Bundle, progress: Progress) -> None:
    evidence = bundle.evidence
    for cell in evidence.cells:
        if cell.run is not None and cell.run.status != "not_run":
            progress(CellStarted(index=cell.index))
            progress(CellDone(cell=cell))
    progress(
        Ran(outcome=evidence.outcome, cells=evidence.cells, cells_s=evidence.cells_s, kernel_alive=False)
    )
