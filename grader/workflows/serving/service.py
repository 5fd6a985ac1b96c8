"""Works at the queues of courses until it is told to stop, whoever put what into them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.errors import StoreError, StoreUnavailable, UsageError
from grader.facts.case import Reference
from grader.files.leftovers import remove_leftovers
from grader.sandbox.base import Sandbox, image_of
from grader.sandbox.execution import Execution
from grader.sandbox.memory import available_bytes
from grader.store import Queue, Store
from grader.store.entering import PRE_CHECK
from grader.store.queue import Claim, Reach
from grader.workflows.prechecking.ending import Telling
from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.execution import Desk, JobWorker, reason_of
from grader.workflows.running.memory import MemoryBudget
from grader.workflows.running.patience import Patience
from grader.workflows.running.pool import Pool
from grader.workflows.running.run import registered
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving.orders import ROUNDS, CourseFiles, QueuedOrders, files_of

__all__ = ["Service", "work_at_queues"]

#: How often a seat without work looks for some, in seconds.
_POLL_S = 0.5
#: So long its sandbox is kept for the next notebook of the same plan, and holds its memory.
_WARM_S = 60.0
#: So long nothing is taken of an assignment that could not be served, for somebody has to mend it first.
_ASIDE_S = 60.0
#: Between two looks for what is no longer needed.
_TIDY_S = 600.0
_WHY = "grader serve"


@dataclass(frozen=True)
class Service:
    """What a process that works at queues is given.

    Attributes:
        stores: One a course.
        reference: The first course's own answers.
        places: Folders in which its rubrics may lie.
        data: Folder of data sets.
        gpu: Whether notebooks get one.
        actor: Who is written down.
        lease_s: How long a claim holds without a word from this process.
        own: The same of further courses, by name.
    """

    stores: Sequence[Store]
    reference: Reference
    places: Sequence[Path]
    data: Path | None
    gpu: bool
    actor: str
    lease_s: float
    own: Mapping[str, CourseFiles] = field(default_factory=dict)


def work_at_queues(
    service: Service,
    seats: int,
    *,
    open_sandbox: Callable[[], Sandbox],
    notify: Notify,
    stop: StopSignal,
) -> None:
    """Runs what waits, `seats` at a time, until a stop is asked for: then what runs is finished.

    Args:
        service: Whose queues.
        seats: Submissions at a time; fewer where there are fewer GPUs or memory is short.
        open_sandbox: Called once, before anything is taken.
        notify: Told of every step.
        stop: Pressed by whoever wants to stop.

    Raises:
        SandboxUnavailable: No sandbox works here; nothing was taken.
        StoreError: A database or place of evidence failed, or was away for longer than is waited for.
    """
    patience = Patience(notify, stop)
    remove_leftovers()
    for store in service.stores:
        patience.until_begun(store.blobs.check)
        store.remove_leftovers()
    sandbox = open_sandbox()
    try:
        with ExitStack() as held:
            course_files = files_of(service.stores, service.reference, service.places, service.own)
            memory = MemoryBudget(available_bytes(), notify)
            queues = [Queue(store, lease_s=service.lease_s, serves=True) for store in service.stores]
            desks = [
                Desk(
                    queue.store,
                    held.enter_context(registered(queue, patience)),
                    QueuedOrders(queue.store, files.reference, files.places, service.data),
                    sandbox,
                    notify,
                    stop,
                    service.actor,
                    memory,
                    patience,
                    _WHY,
                    {PRE_CHECK: Telling(queue.store, queue)},
                    audits=True,
                )
                for queue, files in zip(queues, course_files, strict=True)
            ]
            reach = Reach(images=(image_of(sandbox),), gpu=service.gpu)
            _OfService(desks, reach).work(min(seats, sandbox.at_once or seats))
    finally:
        sandbox.close()


class _OfService(Pool):
    """Never at its end by itself."""

    def __init__(self, desks: Sequence[Desk], reach: Reach) -> None:
        super().__init__(desks)
        self._reach = reach
        self._lock = threading.Lock()
        self._aside: dict[tuple[int, str], float] = {}
        self._tidy_at = 0.0

    def serve(self) -> None:
        """One seat: takes from each course in turn, and keeps its sandbox warm for a while."""
        execution = self._desk.new_execution()
        try:
            self._serve_with(execution)
        finally:
            execution.close()

    def _serve_with(self, execution: Execution) -> None:
        workers = [JobWorker(desk, execution) for desk in self._desks]
        turn, idle_since = 0, time.monotonic()
        while not self._desk.stop.finishing:
            taken = self._take_of_any(workers, turn)
            if taken is not None:
                turn, idle_since = taken + 1, time.monotonic()
                continue
            if time.monotonic() - idle_since > _WARM_S:
                execution.close()
            self._tidy()
            self._desk.stop.pause(_POLL_S)

    def _take_of_any(self, workers: Sequence[JobWorker], turn: int) -> int | None:
        """Brings a job of the next desk that has one to its end; gives the desk's place, None where none has.

        Within one course its queue lets pre-checks come last; of several, what any of them waits to be marked
        comes before pre-checks of another, and these before second runs.
        """
        places = [(turn + step) % len(workers) for step in range(len(workers))]
        for but_no, second_runs in ROUNDS if len(workers) > 1 else ROUNDS[-1:]:
            for place in places:
                reach = replace(self._without_aside(place), but_no=but_no, second_runs=second_runs)
                if self._take(place, workers[place], reach):
                    return place
        return None

    def _tidy(self) -> None:
        """Once in a while, what is no longer needed of pre-checks goes, also where nobody asks for one."""
        now = time.monotonic()
        with self._lock:
            due = now >= self._tidy_at
            self._tidy_at = now + _TIDY_S if due else self._tidy_at
        for desk in self._desks if due else ():
            desk.patience.until_done(desk.store.pre_checks.remove_old)

    def _take(self, place: int, worker: JobWorker, reach: Reach) -> bool:
        """Brings one job of a desk to its end; False where there is none."""
        desk = self._desks[place]
        job = desk.patience.until_done(lambda: desk.queue.claim(reach))
        if job is None:
            return False
        try:
            worker.execute(job)
        except StoreUnavailable:
            raise
        except UsageError as error:
            self._put_aside(place, job, error)
        except StoreError as error:
            worker.give_up(job, reason_of(error))
        return True

    def _without_aside(self, place: int) -> Reach:
        now = time.monotonic()
        with self._lock:
            left_out = tuple(name for (at, name), until in self._aside.items() if at == place and until > now)
        return replace(self._reach, but_not=left_out)

    def _put_aside(self, place: int, job: Claim, error: UsageError) -> None:
        """Lets an assignment wait that nobody can serve before something is mended; no try is used up."""
        desk, name = self._desks[place], job.key.assignment
        with self._lock:
            self._aside[place, name] = time.monotonic() + _ASIDE_S
        desk.notify(Notice(f"{name} waits: {error}"))
        desk.patience.until_done(lambda: desk.queue.give_back(job))
