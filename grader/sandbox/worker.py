"""Runs submissions in boxes, one after another, whatever the boxes are made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits
from grader.evidence.record import Environment, Outcome
from grader.sandbox.base import Box, Job, Progress
from grader.sandbox.boxes import Boxes
from grader.sandbox.frames import StreamEnded
from grader.sandbox.session import BrokenSandbox, JobSession

__all__ = ["BoxWorker", "Isolation"]

#: Limits that a box is made with; all others come with each job.
_OF_BOX = (
    "memory_bytes", "work_bytes", "work_inodes", "shm_bytes", "pids", "cpus", "evidence_bytes",
)  # fmt: skip
#: Jobs of one box: each takes a uid that no other had, and there are 500 (`container`).
_MOST_JOBS = 450
_PROBES_S = 600.0

Isolation = Literal["fork", "container"]
Start = Callable[[Limits], Box]


class BoxWorker:
    """One box at a time; replaced after anything odd.

    Args:
        start: Starts a box with given limits.
        limits: Of the first box.
        isolation: ``fork``: a box serves many, one after another; ``container``: each gets its own.
        described: What evidence says of the sandbox.
        boxes: All of its sandbox; tells when that was closed, perhaps in the middle of a submission.
    """

    def __init__(
        self, start: Start, limits: Limits, isolation: Isolation, described: Environment, boxes: Boxes
    ) -> None:
        self._start = start
        self._isolation = isolation
        self._described = described
        self._boxes = boxes
        self._box: Box | None = start(limits)
        self._starter = ThreadPoolExecutor(1) if isolation == "container" else None
        self._standby: Future[Box] | None = None
        self._served = 0
        self._closed = False

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Runs one submission.

        Raises:
            SandboxUnavailable: The box failed us, or the kernel never came up.
        """
        box = self._take(job.plan.limits)
        environment = box.environment.model_copy(
            update=self._described.model_dump(include={"sandbox", "isolation", "image", "gpu"})
        )
        session = JobSession(box.stream, job, environment, progress)
        healthy = False
        try:
            self._drive(session, box)
            self._served += 1
            reusable = self._isolation == "fork" or job.ours
            healthy = reusable and not session.replace and self._served < _MOST_JOBS
        finally:
            if healthy:
                self._box = box
            else:
                box.remove()
        if session.replace:
            # What was broken off is no evidence of how the submission ends.
            self._boxes.require_open()
        return session.bundle()

    def _drive(self, session: JobSession, box: Box) -> None:
        try:
            session.run()
        except BrokenSandbox as error:
            ended_too_soon = session.unanswered and isinstance(error.__cause__, StreamEnded)
            if box.memory_ran_out():
                session.detail = session.detail or "the whole container ran out of memory"
                session.outcome = session.outcome or Outcome.OUT_OF_MEMORY
                session.anomalies.append(f"the sandbox ended early: {error}"[:500])
            elif session.outcome is not None and not ended_too_soon:
                session.anomalies.append(f"the sandbox ended early: {error}"[:500])
            else:
                raise SandboxUnavailable(
                    "the sandbox ended in the middle of a submission",
                    where=box.name,
                    found=(box.stream.log().strip() or str(error))[-600:],
                    todo="run again; where it happens every time, see `grader doctor`",
                ) from error
        if session.late and (fault := box.fault()):
            raise SandboxUnavailable(
                "the sandbox stopped answering",
                where=box.name,
                found=fault,
                todo="run again; `grader doctor` tests the engine part by part",
            )
        if session.outcome is not None and session.outcome.our_fault:
            raise SandboxUnavailable(
                "the sandbox could not run the submission by itself", where=box.name, found=session.detail
            )

    def _take(self, limits: Limits) -> Box:
        """A clean box with these limits, started now unless one is there."""
        self._boxes.require_open()
        if self._closed:
            raise SandboxUnavailable("this worker is closed", todo="open another one")
        box, self._box = self._box, None
        if box is None:
            box, self._served = self._from_standby(), 0
        if box is not None and not _usable(box, limits):
            box.remove()
            box = None
        if box is None:
            box, self._served = self._start(limits), 0
        if self._starter is not None and self._standby is None:
            self._standby = self._starter.submit(self._start, limits)
        return box

    def _from_standby(self) -> Box | None:
        standby, self._standby = self._standby, None
        return None if standby is None else standby.result()

    def close(self) -> None:
        self._closed = True
        if self._box is not None:
            self._box.remove()
            self._box = None
        if self._standby is not None:
            standby, self._standby = self._standby, None
            if standby.exception() is None:
                standby.result().remove()
        if self._starter is not None:
            self._starter.shutdown()


def _usable(box: Box, limits: Limits) -> bool:
    """Whether a box may serve a job: with the same bounds, and until after the last probe."""
    same = all(getattr(box.limits, name) == getattr(limits, name) for name in _OF_BOX)
    return same and time.monotonic() + limits.notebook_s + _PROBES_S < box.expires
