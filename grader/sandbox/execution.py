"""Execution: a notebook's bytes and a plan become evidence. It needs no rubric, no reference and no store."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.sandbox.base import Job, Progress, Sandbox, Worker
from grader.sandbox.whole_passes import with_whole_passes

__all__ = ["Execution", "NoRoom"]


class NoRoom(Exception):
    """A stop was asked for while memory was waited for; nothing was begun."""


class Execution:
    """Runs notebooks one after another, keeping its sandbox warm between those of one plan.

    Not for use by several threads.

    Args:
        sandbox: What they run in; None where nothing should have to be run.
        take: Waits for so many bytes of memory and holds them; False where it is no longer wanted.
        give_back: Lets go of them.
    """

    def __init__(
        self, sandbox: Sandbox | None, *, take: Callable[[int], bool], give_back: Callable[[int], None]
    ) -> None:
        self._sandbox = sandbox
        self._take = take
        self._give_back = give_back
        self._worker: Worker | None = None
        self._plan: Plan | None = None
        self._memory_bytes = 0

    def run(
        self,
        notebook: bytes,
        plan: Plan,
        *,
        files: tuple[tuple[str, bytes], ...] = (),
        progress: Progress | None = None,
    ) -> Bundle:
        """Runs a notebook, also again where its code may have failed for want of data only.

        Args:
            notebook: The clean copy, as `intake.normalise_notebook` gives it.
            plan: What to do with it.
            files: What it may read beside it, by path relative to its folder.
            progress: Told of each cell.

        Raises:
            SandboxUnavailable: The sandbox failed; none of it is the student's doing.
            NoRoom: A stop was asked for before it was begun.
        """
        worker = self._worker_for(plan)

        def run_by(plan: Plan) -> Bundle:
            job = Job(attempt=uuid.uuid4().hex, notebook=notebook, plan=plan, files=files)
            return worker.run(job, progress)

        bundle = run_by(plan)
        if bundle.evidence.outcome.our_fault:
            raise SandboxUnavailable(bundle.evidence.outcome_detail or "the sandbox gave no evidence")
        return with_whole_passes(bundle, plan, run_by)

    def close(self) -> None:
        """Lets go of the sandbox worker and of its memory."""
        worker, self._worker = self._worker, None
        try:
            if worker is not None:
                worker.close()
        finally:
            held, self._memory_bytes = self._memory_bytes, 0
            self._give_back(held)

    def _worker_for(self, plan: Plan) -> Worker:
        if self._worker is None or self._plan != plan:
            self.close()
            if self._sandbox is None:
                raise SandboxUnavailable("no sandbox was opened for this run")
            size_bytes = self._sandbox.memory_bytes(plan)
            if not self._take(size_bytes):
                raise NoRoom
            self._memory_bytes = size_bytes
            self._worker, self._plan = self._sandbox.open(plan), plan
        return self._worker
