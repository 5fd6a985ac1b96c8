"""`grader run`: from a folder of submissions to attempts and verdicts in the history."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from grader.evidence.plan import Plan
from grader.facts.case import Reference
from grader.files.leftovers import remove_leftovers
from grader.sandbox.base import Sandbox, image_of
from grader.sandbox.memory import available_bytes
from grader.store import JobKey, Priority, Queue, Signature, Store
from grader.store.leases import LEASE_S
from grader.store.results import Result
from grader.workflows.marking.earlier_files import EarlierMarks, marks_on_earlier_files
from grader.workflows.regrading.judging import Judge, by_what_counts
from grader.workflows.regrading.regrade import regrade
from grader.workflows.running.events import Notice, Notify, Planned
from grader.workflows.running.execution import Desk, Order
from grader.workflows.running.groups import spread
from grader.workflows.running.keeping import ask_for, job_key, keep_plan
from grader.workflows.running.memory import MemoryBudget
from grader.workflows.running.patience import Patience
from grader.workflows.running.planning import Work, require_data
from grader.workflows.running.pool import work_off
from grader.workflows.running.stopping import StopSignal
from grader.workflows.views.held import why_held
from grader.workflows.views.streamed import Results

__all__ = ["RunReport", "default_jobs", "registered", "run"]


@dataclass(frozen=True)
class RunReport:
    """Where the submissions of a run stand at its end.

    Attributes:
        results: Of a large class they are not in memory: go through them once.
        unfinished: Submissions without a terminal attempt, because the run was stopped.
        earlier: Criteria that a TA marked on an earlier file.
    """

    results: Results
    unfinished: int
    earlier: EarlierMarks


def run(
    works: Sequence[Work],
    *,
    store: Store,
    reference: Reference,
    open_sandbox: Callable[[], Sandbox],
    notify: Notify,
    stop: StopSignal,
    actor: str,
    data: Path | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    priority: Priority = Priority.HANDED_IN,
    lease_s: float = LEASE_S,
) -> RunReport:
    """Brings every submission to a terminal attempt with a verdict by its rubric.

    Work that an earlier run finished is not done again; what a killed run left is taken over; another
    run on the same database shares the work.

    Args:
        works: What to grade.
        store: Where the queue and the history are.
        reference: The course's own answers.
        open_sandbox: Called only where something may have to be run.
        notify: Told of every step.
        stop: Pressed by whoever wants to stop.
        actor: Who is written down.
        data: Folder of data sets.
        jobs: Submissions at a time; None lets GPUs, else cores decide. Fewer where memory is short.
        fresh: Whether finished work is done again.
        priority: What it comes before in the queue.
        lease_s: How long a claim holds without a word from this run, as after its death.

    Raises:
        DataError: A data set is missing; nothing was queued.
        SandboxUnavailable: No sandbox works here; nothing was queued.
        StoreError: The database or the evidence folder failed, or was away for longer than a run waits; a
            later run goes on from there.
    """
    patience = Patience(notify, stop)
    patience.until_begun(store.blobs.check)
    store.remove_leftovers()
    remove_leftovers()
    judges = {work.rubric.rubric.digest: Judge(work.rubric, reference) for work in works}
    sandbox = open_sandbox() if any(not work.file.problem for work in works) else None
    try:
        with registered(Queue(store, lease_s=lease_s), patience) as queue:
            enqueue = partial(
                _enqueue, works, store, queue, sandbox, actor=actor, data=data, fresh=fresh, priority=priority
            )
            entered = patience.until_begun(enqueue)
            open_works, works = entered.open, entered.works
            for line in entered.told:
                notify(Notice(line))
            notify(Planned(len(works), len(open_works)))
            memory = MemoryBudget(available_bytes(), notify)
            orders = {job: _order(work, judges) for job, work in open_works.items()}
            desk = Desk(
                store, queue, lambda job: orders[job.id], sandbox, notify, stop, actor, memory, patience
            )
            if open_works:
                work_off(desk, _threads(jobs, sandbox, open_works.values()))
            unfinished = patience.until_done(queue.progress).open
    finally:
        if sandbox is not None:
            sandbox.close()
    patience.until_done(lambda: _judge_standing(works, judges, store, actor))
    results = Results(store, {(work.assignment, work.student) for work in works})
    earlier = patience.until_done(lambda: marks_on_earlier_files(store, results))
    return RunReport(results, unfinished, earlier)


@contextmanager
def registered(queue: Queue, patience: Patience) -> Iterator[Queue]:
    """Signs the run on and off, even where the database is away for a while then."""
    patience.until_begun(queue.__enter__)
    try:
        yield queue
    finally:
        patience.until_done(lambda: queue.__exit__(None, None, None))


def _threads(jobs: int | None, sandbox: Sandbox | None, works: Collection[Work]) -> int:
    """What `jobs` says, but no more than there are GPUs and than there is work."""
    gpus = None if sandbox is None else sandbox.at_once
    wanted = jobs or gpus or default_jobs(works)
    return min(wanted, gpus or wanted, len(works))


def default_jobs(works: Iterable[Work]) -> int:
    """As many at a time as there are cores for the greediest of them."""
    cores = len(os.sched_getaffinity(0))
    return max(1, int(cores / max(work.plan.limits.cpus for work in works)))


@dataclass(frozen=True)
class _Entered:
    """What was written down: work by its job, that of each student, and what is to be told of groups."""

    open: dict[int, Work]
    works: tuple[Work, ...]
    told: tuple[str, ...]


def _enqueue(
    works: Sequence[Work],
    store: Store,
    queue: Queue,
    sandbox: Sandbox | None,
    *,
    actor: str,
    data: Path | None,
    fresh: bool,
    priority: Priority,
) -> _Entered:
    """Records what was handed in, for each of a group, and queues what is not done: all of it or nothing."""
    plans = {plan.digest: keep_plan(store, plan) for plan in _plans_of(works)}
    kept = [_keep(work, plans, store, sandbox) for work in works]
    with store.writing() as history:
        signature = Signature(actor, store.clock(), "grader run")
        found = spread(history, kept)
        for file in found.files:
            history.hand_in(file, signature)
        for shared in found.shared:
            history.note_group_file(shared, signature)
        asks = [
            replace(ask_for(each.work, each.key, priority), fellows=each.fellows) for each in found.to_run
        ]
        jobs = queue.enqueue(history, asks, fresh=fresh)
        open_works = {job: each.work for job, each in zip(jobs, found.to_run, strict=True) if job is not None}
        to_run = {work.rubric.rubric.digest: work for work in open_works.values() if not work.file.problem}
        for work in to_run.values():
            require_data(work.rubric, data)
    return _Entered(open_works, found.works, found.told)


def _plans_of(works: Sequence[Work]) -> Collection[Plan]:
    """Each plan once: those of one rubric are the same object."""
    return {id(work.plan): work.plan for work in works}.values()


def _keep(work: Work, plans: Mapping[str, str], store: Store, sandbox: Sandbox | None) -> tuple[Work, JobKey]:
    """Stores the notebook, and names the work: that on the file as it is now."""
    file = work.file.again()
    if file.notebook != work.file.notebook:
        work = replace(work, file=file.handed_in)
    # An image that is built anew asks for new attempts.
    image = "" if work.file.problem or sandbox is None else image_of(sandbox)
    store.blobs.put(file.raw)
    return work, job_key(work, plans[work.plan.digest], image)


def _order(work: Work, judges: Mapping[str, Judge]) -> Order:
    return Order(
        work.plan,
        judges[work.rubric.rubric.digest],
        work.file.submission,
        work.file.problem,
        work.file.left_out,
        again=work.file.again,
    )


def _judge_standing(works: Sequence[Work], judges: Mapping[str, Judge], store: Store, actor: str) -> None:
    """Judges attempts of earlier runs whose verdict does not stand on this rubric and reference.

    So is a verdict of an earlier version that settled at 0 what could not be taken.
    """
    counting = {digest: by_what_counts(store, judge) for digest, judge in judges.items()}
    judge_of = {(work.assignment, work.student): counting[work.rubric.rubric.digest] for work in works}

    def judge_for(result: Result) -> Judge:
        return judge_of[result.assignment, result.student]

    stale = (
        result
        for result in Results(store, set(judge_of))
        if not judge_for(result).stands(result) or _settled_unread(result)
    )
    regrade(store, stale, judge_for, actor=actor, why="grader run")


def _settled_unread(result: Result) -> bool:
    return bool(why_held(result)) and result.verdict is not None and not result.verdict.pending
