"""One worker of a run: takes a job, has it run in its sandbox, writes attempt and verdict."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.codec import Bundle, encode
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord, Outcome
from grader.grading.verdict import Verdict
from grader.intake import normalise_notebook
from grader.sandbox.base import Job, Sandbox, Worker
from grader.store import Queue, Signature, Store
from grader.store.queue import Claim
from grader.workflows.regrading.judging import Judge, new_attempt, without_run
from grader.workflows.running.events import CellRunning, Finished, Notice, Notify, Recorded, Retrying, Started
from grader.workflows.running.memory import MemoryBudget
from grader.workflows.running.planning import Work
from grader.workflows.running.stopping import StopSignal
from grader.workflows.running.whole_passes import with_whole_passes

__all__ = ["Desk", "JobWorker"]

_MAX_TRIES = 3
_PAUSE_S = 0.5
#: How long an engine that does not answer is waited for.
_ENGINE_S = 120.0
_ENGINE_PAUSE_S = 2.0


@dataclass(frozen=True)
class Desk:
    """What all workers of a run share.

    Attributes:
        works: By job.
        judges: By the rubric's digest.
        sandbox: None where nothing has to be run.
        actor: Who is written down.
        memory: What all their sandboxes may take together.
    """

    store: Store
    queue: Queue
    works: Mapping[int, Work]
    judges: Mapping[str, Judge]
    sandbox: Sandbox | None
    notify: Notify
    stop: StopSignal
    actor: str
    memory: MemoryBudget


class _Stopped(Exception):
    """A stop was asked for before the submission was begun."""


class JobWorker:
    """Executes jobs one after another, keeping its sandbox warm between those of one plan."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._worker: Worker | None = None
        self._plan: Plan | None = None
        self._memory_bytes = 0

    def execute(self, job: Claim) -> None:
        """Brings a claimed job to its end, or gives it back where the run is broken off.

        Raises:
            StoreError: Nothing can be written; the job stays claimed and is taken over later.
        """
        work = self._desk.works[job.id]
        self._desk.notify(Started(work.student, work.assignment))
        for left_out in work.file.beside.left_out:
            self._desk.notify(Notice(f"{work.student}: not put beside the notebook: {left_out}"))
        bundle = self._evidence_of(job, work)
        if bundle is None:
            self._desk.queue.give_back(job.id)
        else:
            self._record(job, work, bundle)

    def close(self) -> None:
        """Lets go of the sandbox worker and of its memory."""
        worker, self._worker = self._worker, None
        try:
            if worker is not None:
                worker.close()
        finally:
            held, self._memory_bytes = self._memory_bytes, 0
            self._desk.memory.give_back(held)

    def _evidence_of(self, job: Claim, work: Work) -> Bundle | None:
        if work.file.problem:
            return without_run(job.key.notebook, job.key.plan, Outcome.INVALID_SUBMISSION, work.file.problem)
        # The sandbox gets the clean copy, so that one reader decides what a notebook is on both sides.
        notebook = normalise_notebook(work.file.cells)
        while True:
            try:
                return _as_handed_in(self._run(notebook, work), job.key.notebook, work.file.cells)
            except _Stopped:
                return None
            except Exception as error:  # whatever it was, it was not the student
                self._discard()
                reason = _reason(error)
            self._wait_for_sandbox()
            if self._desk.stop.now:
                return None
            tries = self._desk.queue.retry(job.id, reason)
            if tries >= _MAX_TRIES:
                return without_run(job.key.notebook, job.key.plan, Outcome.SANDBOX_UNAVAILABLE, reason)
            self._desk.notify(Retrying(work.student, tries, reason))
            self._desk.stop.pause(_PAUSE_S * tries)

    def _wait_for_sandbox(self) -> None:
        """Gives an engine that is being restarted its time; else it would use up every job's tries."""
        sandbox, waited_s = self._desk.sandbox, 0.0
        while sandbox is not None and waited_s < _ENGINE_S and not self._desk.stop.finishing:
            if sandbox.answers():
                return
            self._desk.stop.pause(_ENGINE_PAUSE_S)
            waited_s += _ENGINE_PAUSE_S

    def _run(self, notebook: bytes, work: Work) -> Bundle:
        worker = self._worker_for(work.plan)

        def progress(event: CellStarted | CellDone | Ran) -> None:
            if isinstance(event, CellStarted):
                self._desk.notify(CellRunning(work.student, event.index))

        def run_by(plan: Plan) -> Bundle:
            attempt = uuid.uuid4().hex
            job = Job(attempt=attempt, notebook=notebook, plan=plan, files=work.file.beside.files)
            return worker.run(job, progress)

        bundle = run_by(work.plan)
        if bundle.evidence.outcome.our_fault:
            raise SandboxUnavailable(bundle.evidence.outcome_detail or "the sandbox gave no evidence")
        return with_whole_passes(bundle, work.plan, run_by)

    def _worker_for(self, plan: Plan) -> Worker:
        if self._worker is None or self._plan != plan:
            self.close()
            if self._desk.sandbox is None:
                raise SandboxUnavailable("no sandbox was opened for this run")
            self._take_memory(self._desk.sandbox.memory_bytes(plan))
            self._worker, self._plan = self._desk.sandbox.open(plan), plan
        return self._worker

    def _take_memory(self, size_bytes: int) -> None:
        if not self._desk.memory.take(size_bytes, self._desk.stop):
            raise _Stopped
        self._memory_bytes = size_bytes

    def _discard(self) -> None:
        try:
            self.close()
        except Exception as error:
            self._desk.notify(Notice(f"a sandbox could not be closed: {_reason(error)}"))

    def _record(self, job: Claim, work: Work, bundle: Bundle) -> None:
        desk = self._desk
        digest = desk.store.blobs.put(encode(bundle))
        judge = desk.judges[work.rubric.rubric.digest]
        verdict = self._judge(judge, bundle, digest, work)
        desk.notify(Recorded(work.student, work.assignment))
        signature = Signature(desk.actor, desk.store.clock(), "grader run")
        new = new_attempt(
            bundle,
            job=job.id,
            student=work.student,
            assignment=work.assignment,
            digest=digest,
        )
        with desk.store.writing() as history:
            if not desk.queue.finish(history, job.id):
                return
            attempt = history.add_attempt(new, signature)
            if verdict is not None:
                judge.write(history, verdict, attempt, signature)
        desk.notify(_finished(work, bundle, verdict))

    def _judge(self, judge: Judge, bundle: Bundle, digest: str, work: Work) -> Verdict | None:
        """Judges; a fault of ours must not lose the evidence, which the next run judges again."""
        try:
            return judge.verdict(bundle, digest)
        except Exception as error:
            self._desk.notify(Notice(f"{work.student}: judging failed: {_reason(error)}"))
            return None


def _as_handed_in(bundle: Bundle, notebook: str, cells: tuple[CellRecord, ...]) -> Bundle:
    """The evidence on the file handed in, of which the sandbox saw the clean copy only."""
    runs = {cell.index: cell.run for cell in bundle.evidence.cells}
    known = tuple(cell.model_copy(update={"run": runs.get(cell.index)}) for cell in cells)
    evidence = bundle.evidence.model_copy(update={"notebook": notebook, "cells": known})
    return Bundle(evidence, bundle.arrays)


def _finished(work: Work, bundle: Bundle, verdict: Verdict | None) -> Finished:
    return Finished(
        student=work.student,
        assignment=work.assignment,
        outcome=bundle.evidence.outcome,
        points=verdict.points if verdict else None,
        out_of=verdict.out_of if verdict else None,
        pending=verdict.pending if verdict else None,
        wall_time_s=bundle.evidence.wall_time_s,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, GraderError):
        return error.what
    return f"{type(error).__name__}: {error}"
