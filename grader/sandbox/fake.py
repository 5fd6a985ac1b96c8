"""A sandbox without processes: answers jobs from a function, for tests of what comes after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from grader.evidence.codec import Bundle
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Plan
from grader.sandbox.base import Job, Progress
from grader.sandbox.boxes import Boxes

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
        # There are no boxes; after closing it refuses in the words of a real sandbox.
        self._boxes = Boxes()
        self.jobs: list[Job] = []

    def open(self, plan: Plan) -> FakeWorker:
        """Gives a worker.

        Raises:
            SandboxUnavailable: The sandbox was closed.
        """
        self._boxes.require_open()
        return FakeWorker(self._run, self._boxes)

    def memory_bytes(self, plan: Plan) -> int:
        return 0

    def _run(self, job: Job) -> Bundle:
        self.jobs.append(job)
        answer = self._answer(job)
        if isinstance(answer, Exception):
            raise answer
        return _of(job, answer)

    def answers(self) -> bool:
        """As long as this process lives."""
        return True

    def close(self) -> None:
        """Nothing is held; whoever still runs something sees it end."""
        self._boxes.close()


class FakeWorker:
    """Answers one job after another.

    Args:
        run: Answers a job.
        boxes: Tells when the sandbox was closed, perhaps in the middle of a submission.
    """

    def __init__(self, run: Callable[[Job], Bundle], boxes: Boxes) -> None:
        self._run = run
        self._boxes = boxes

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Answers a job, and tells `progress` of its cells as a real sandbox would.

        Raises:
            SandboxUnavailable: The answer, or the sandbox was closed before this submission's end.
        """
        self._boxes.require_open()
        bundle = self._run(job)
        for event in _events(bundle):
            self._boxes.require_open()
            if progress is not None:
                progress(event)
        self._boxes.require_open()
        return bundle

    def close(self) -> None:
        """Nothing is held."""


def _of(job: Job, bundle: Bundle) -> Bundle:
    """The evidence as of this job, whatever it was recorded from."""
    evidence = bundle.evidence
    named = {
        "notebook": hashlib.sha256(job.notebook).hexdigest(),
        "plan": job.plan.digest,
        "environment": evidence.environment.model_copy(
            update={"sandbox": FakeSandbox.name, "seed": job.plan.seed}
        ),
    }
    return Bundle(evidence.model_copy(update=named), bundle.arrays)


def _events(bundle: Bundle) -> Iterator[CellStarted | CellDone | Ran]:
    evidence = bundle.evidence
    for cell in evidence.cells:
        if cell.run is not None and cell.run.status != "not_run":
            yield CellStarted(index=cell.index)
            yield CellDone(cell=cell)
    yield Ran(
        outcome=evidence.outcome,
        detail=evidence.outcome_detail,
        cells=evidence.cells,
        cells_s=evidence.cells_s,
        # Of a kernel that met a limit the evidence does not say it.
        kernel_alive=evidence.outcome.ran_to_the_end,
        anomalies=evidence.anomalies,
    )
