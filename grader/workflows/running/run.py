"""`grader run`: from a folder of submissions to attempts and verdicts in the history."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.facts.case import Reference
from grader.sandbox.base import Sandbox
from grader.store import History, JobKey, Queue, Signature, Store
from grader.store.records import SubmissionRecord
from grader.store.results import Result
from grader.workflows.marking.earlier_files import EarlierMarks, marks_on_earlier_files
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.running.events import Notify, Planned
from grader.workflows.running.execution import Desk
from grader.workflows.running.memory import MemoryBudget, available_bytes
from grader.workflows.running.planning import Work, require_data
from grader.workflows.running.pool import work_off
from grader.workflows.running.stopping import StopSignal
from grader.workflows.views.held import why_held

__all__ = ["RunReport", "default_jobs", "run"]


@dataclass(frozen=True)
class RunReport:
    """Where the submissions of a run stand at its end.

    Attributes:
        unfinished: Submissions without a terminal attempt, because the run was stopped.
        earlier: Criteria that a TA marked on an earlier file.
    """

    results: tuple[Result, ...]
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

    Raises:
        DataError: A data set is missing; nothing was queued.
        SandboxUnavailable: No sandbox works here; nothing was queued.
        StoreError: The database or the evidence folder failed; a later run goes on from there.
    """
    judges = {work.rubric.rubric.digest: Judge(work.rubric, reference) for work in works}
    sandbox = open_sandbox() if any(not work.file.problem for work in works) else None
    try:
        with Queue(store) as queue:
            open_works = _enqueue(works, store, queue, sandbox, actor=actor, data=data, fresh=fresh)
            notify(Planned(len(works), len(open_works)))
            memory = MemoryBudget(available_bytes(), notify)
            desk = Desk(store, queue, open_works, judges, sandbox, notify, stop, actor, memory)
            if open_works:
                work_off(desk, _threads(jobs, sandbox, open_works.values()))
            unfinished = queue.progress(tuple(open_works)).open
    finally:
        if sandbox is not None:
            sandbox.close()
    _judge_standing(works, judges, store, actor)
    results = _results(works, store)
    return RunReport(results, unfinished, marks_on_earlier_files(store, results))


def _threads(jobs: int | None, sandbox: Sandbox | None, works: Collection[Work]) -> int:
    """What `jobs` says, but no more than there are GPUs and than there is work."""
    gpus = None if sandbox is None else sandbox.at_once
    wanted = jobs or gpus or default_jobs(works)
    return min(wanted, gpus or wanted, len(works))


def default_jobs(works: Iterable[Work]) -> int:
    """As many at a time as there are cores for the greediest of them."""
    cores = len(os.sched_getaffinity(0))
    return max(1, int(cores / max(work.plan.limits.cpus for work in works)))


def _enqueue(
    works: Sequence[Work],
    store: Store,
    queue: Queue,
    sandbox: Sandbox | None,
    *,
    actor: str,
    data: Path | None,
    fresh: bool,
) -> dict[int, Work]:
    """Records what was handed in and queues what is not done, all of it or nothing."""
    keys = [_keep(work, store, sandbox) for work in works]
    with store.writing() as history:
        signature = Signature(actor, store.clock(), "grader run")
        for work in works:
            history.hand_in(_submitted(work), signature)
        jobs = queue.enqueue(history, keys, fresh=fresh)
        open_works = {job: work for job, work in zip(jobs, works, strict=True) if job is not None}
        to_run = {work.rubric.rubric.digest: work for work in open_works.values() if not work.file.problem}
        for work in to_run.values():
            require_data(work.rubric, data)
    return open_works


def _keep(work: Work, store: Store, sandbox: Sandbox | None) -> JobKey:
    """Stores the notebook and the plan, and names the work."""
    # An image that is built anew asks for new attempts; a sandbox without images goes by its name.
    image = "" if work.file.problem or sandbox is None else str(getattr(sandbox, "image", sandbox.name))
    return JobKey(
        student=work.student,
        assignment=work.assignment,
        notebook=store.blobs.put(work.file.raw),
        plan=store.blobs.put(work.plan.model_dump_json().encode()),
        image=image,
    )


def _submitted(work: Work) -> SubmissionRecord:
    submission = work.file.submission
    return SubmissionRecord(
        student=work.student,
        assignment=work.assignment,
        notebook=work.file.notebook,
        path=str(submission.path),
        submitted_at=submission.submitted_at,
        late=submission.late,
        problem=work.file.problem,
    )


def _judge_standing(works: Sequence[Work], judges: Mapping[str, Judge], store: Store, actor: str) -> None:
    """Judges attempts of earlier runs whose verdict does not stand on this rubric and reference.

    So is a verdict of an earlier version that settled at 0 what could not be taken.
    """
    judge_of = {(work.assignment, work.student): judges[work.rubric.rubric.digest] for work in works}

    def judge_for(result: Result) -> Judge:
        return judge_of[result.assignment, result.student]

    stale = [
        result
        for result in _results(works, store)
        if not judge_for(result).stands(result) or _settled_unread(result)
    ]
    regrade(store, stale, judge_for, actor=actor, why="grader run")


def _settled_unread(result: Result) -> bool:
    return bool(why_held(result)) and result.verdict is not None and not result.verdict.pending


def _results(works: Sequence[Work], store: Store) -> tuple[Result, ...]:
    handled = {(work.assignment, work.student) for work in works}
    with store.reading() as history:
        return tuple(
            result for result in _all(history, works) if (result.assignment, result.student) in handled
        )


def _all(history: History, works: Sequence[Work]) -> list[Result]:
    names = sorted({work.assignment for work in works})
    return [result for name in names for result in history.results(assignment=name)]
