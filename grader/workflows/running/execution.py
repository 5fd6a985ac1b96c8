"""One worker of a run: takes a job, has its notebook executed, and has what came of it recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from grader.errors import GraderError, StoreError, StoreUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.intake import Submission, normalise_notebook
from grader.sandbox.base import Sandbox
from grader.sandbox.execution import Execution, NoRoom
from grader.store import Queue, Store
from grader.store.queue import Claim
from grader.workflows.regrading.judging import Judge, without_run
from grader.workflows.running.aside import Aside
from grader.workflows.running.events import CellRunning, Finished, Notice, Notify, Recorded, Retrying, Started
from grader.workflows.running.memory import MemoryBudget
from grader.workflows.running.patience import LONGEST_S, Patience
from grader.workflows.running.planning import File, read_file
from grader.workflows.running.recording import Ending, Prepared, Recording, as_handed_in
from grader.workflows.running.stopping import StopSignal

__all__ = ["MAX_TRIES", "Desk", "JobWorker", "Order", "reason_of"]

#: So often a sandbox may fail a job before it is recorded as the service's fault.
MAX_TRIES = 3
_PAUSE_S = 0.5
_ENGINE_S = LONGEST_S
_ENGINE_PAUSE_S = 2.0
_ENGINE = "the engine of the sandbox"


@dataclass(frozen=True)
class Order:
    """What has to be known of a job beside its key to bring it to its end.

    Attributes:
        judge: Who judges what comes of it.
        submission: Whose file it is, and what it is called.
        problem: Why there is nothing to run; empty where there is.
        left_out: What lay beside the notebook and could not be taken, each with the reason.
        again: Gives the file from where it came, should the stored one be damaged; None where nobody can.
        content: Gives its bytes where they lie elsewhere than among the blobs.
    """

    plan: Plan
    judge: Judge
    submission: Submission
    problem: str = ""
    left_out: tuple[str, ...] = ()
    again: Callable[[], File] | None = None
    content: Callable[[], bytes] | None = None


@dataclass(frozen=True)
class Desk:
    """What all workers of a run share.

    Attributes:
        order: Gives the order of a claimed job.
        sandbox: None where nothing has to be run.
        actor: Who is written down.
        memory: What all their sandboxes may take together.
        patience: With a database that is away for a while.
        why: Why, in one line, as the history says it.
        endings: By the purpose of jobs of which no attempt comes.
        audits: See `Recording`.
    """

    store: Store
    queue: Queue
    order: Callable[[Claim], Order]
    sandbox: Sandbox | None
    notify: Notify
    stop: StopSignal
    actor: str
    memory: MemoryBudget
    patience: Patience
    why: str = "grader run"
    endings: Mapping[str, Ending] = field(default_factory=dict)
    audits: bool = False

    def new_execution(self) -> Execution:
        """What runs notebooks one after another, within the memory of all."""
        return Execution(
            self.sandbox,
            take=lambda size_bytes: self.memory.take(size_bytes, self.stop),
            give_back=self.memory.give_back,
        )


class JobWorker:
    """Brings jobs to their end, one after another.

    Args:
        desk: Whose.
        execution: A seat's own, where it works at several desks; one of its own where none is given.
        beside: Where what came of a job is recorded while the next one runs; else before `execute` returns.
    """

    def __init__(self, desk: Desk, execution: Execution | None = None, beside: Aside | None = None) -> None:
        self._desk = desk
        self._beside = beside
        self._execution = execution or desk.new_execution()
        self._recording = Recording(desk.store, desk.queue, desk.actor, desk.why, audits=desk.audits)

    def execute(self, job: Claim) -> None:
        """Brings a claimed job to its end, or gives it back where the run is broken off.

        What is recorded beside it fails there.

        Raises:
            StoreError: Nothing can be written; the job stays claimed and is taken over later.
            GraderError: What the desk has to know of this job cannot be had; it stays claimed.
        """
        order = self._desk.patience.until_done(lambda: self._desk.order(job))
        student = job.key.student
        self._desk.notify(Started(student, job.key.assignment))
        for left_out in order.left_out:
            self._desk.notify(Notice(f"{student}: not put beside the notebook: {left_out}"))
        bundle = self._evidence_of(job, order)
        if bundle is None:
            self._desk.patience.until_done(lambda: self._desk.queue.give_back(job))
        elif self._beside is None:
            self._record(job, order.judge, bundle)
        else:
            self._beside.begin(partial(self._record, job, order.judge, bundle))

    def give_up(self, job: Claim, reason: str) -> None:
        """Ends a job of which nothing can be known, at nobody's cost: a later run does it again.

        Raises:
            StoreError: Nothing can be written; the job stays claimed and is taken over later.
        """
        self._record(
            job, None, without_run(job.key.notebook, job.key.plan, Outcome.SANDBOX_UNAVAILABLE, reason)
        )

    def close(self) -> None:
        """Lets go of the sandbox and of its memory."""
        self._execution.close()

    def _evidence_of(self, job: Claim, order: Order) -> Bundle | None:
        if order.problem:
            return without_run(job.key.notebook, job.key.plan, Outcome.INVALID_SUBMISSION, order.problem)
        file = self._desk.patience.until_done(lambda: self._stored(job, order))
        if file.problem:
            return without_run(job.key.notebook, job.key.plan, Outcome.INVALID_SUBMISSION, file.problem)
        # The sandbox gets the clean copy, so that one reader decides what a notebook is on both sides.
        notebook = normalise_notebook(file.cells)
        while True:
            try:
                bundle = self._run(notebook, file.beside.files, job, order)
                return as_handed_in(bundle, job.key.notebook, file.cells)
            except NoRoom:
                return None
            except Exception as error:  # whatever it was, it was not the student
                self._discard()
                reason = reason_of(error)
            self._wait_for_sandbox()
            if self._desk.stop.now:
                return None
            tries = self._note_failure(job, reason)
            if not tries:
                return None
            if tries >= MAX_TRIES:
                return without_run(job.key.notebook, job.key.plan, Outcome.SANDBOX_UNAVAILABLE, reason)
            self._desk.notify(Retrying(job.key.student, tries, reason))
            self._desk.stop.pause(_PAUSE_S * tries)

    def _stored(self, job: Claim, order: Order) -> File:
        """What was handed in, from the evidence; from where it came where it is damaged there since.

        Raises:
            StoreError: It is neither here nor there.
        """
        if order.content is not None:
            return read_file(replace(order.submission, read=order.content))
        try:
            raw = self._desk.store.file(job.key.notebook)
        except StoreUnavailable:
            raise
        except StoreError:
            if order.again is None:
                raise
            file = order.again()
            if file.notebook != job.key.notebook:
                raise
            self._desk.store.blobs.put(file.raw)
            return file
        return read_file(replace(order.submission, read=lambda: raw))

    def _note_failure(self, job: Claim, reason: str) -> int:
        return self._desk.patience.until_done(lambda: self._desk.queue.retry(job, reason))

    def _wait_for_sandbox(self) -> None:
        """Gives an engine that is being restarted its time; else it would use up every job's tries."""
        sandbox, waited_s = self._desk.sandbox, 0.0
        while sandbox is not None and waited_s < _ENGINE_S and not self._desk.stop.finishing:
            if sandbox.answers():
                self._desk.patience.back(_ENGINE)
                return
            self._desk.patience.away(_ENGINE, f"{_ENGINE} does not answer")
            self._desk.stop.pause(_ENGINE_PAUSE_S)
            waited_s += _ENGINE_PAUSE_S

    def _run(
        self, notebook: bytes, beside: tuple[tuple[str, bytes], ...], job: Claim, order: Order
    ) -> Bundle:
        def progress(event: CellStarted | CellDone | Ran) -> None:
            if isinstance(event, CellStarted):
                self._desk.notify(CellRunning(job.key.student, event.index))

        return self._execution.run(notebook, order.plan, files=beside, progress=progress)

    def _discard(self) -> None:
        try:
            self.close()
        except Exception as error:
            self._desk.notify(Notice(f"a sandbox could not be closed: {reason_of(error)}"))

    def _record(self, job: Claim, judge: Judge | None, bundle: Bundle) -> None:
        notify, student = self._desk.notify, job.key.student
        ending = self._desk.endings.get(job.key.purpose, self._recording)
        result = self._desk.patience.until_done(lambda: ending.judge(job, bundle, judge))
        if result.why_not is not None:
            notify(Notice(f"{student}: judging failed: {reason_of(result.why_not)}"))
        notify(Recorded(student, job.key.assignment))
        if self._desk.patience.until_done(lambda: ending.write(result)):
            notify(_finished(result, bundle))
        else:
            notify(Notice(f"{student}: another run took this over; what came of it here is dropped"))


def _finished(result: Prepared, bundle: Bundle) -> Finished:
    verdict = result.verdict
    return Finished(
        student=result.attempt.student,
        assignment=result.attempt.assignment,
        outcome=bundle.evidence.outcome,
        points=verdict.points if verdict else None,
        out_of=verdict.out_of if verdict else None,
        pending=verdict.pending if verdict else None,
        wall_time_s=bundle.evidence.wall_time_s,
    )


def reason_of(error: Exception) -> str:
    """In one line."""
    if isinstance(error, GraderError):
        return error.what
    return f"{type(error).__name__}: {error}"
