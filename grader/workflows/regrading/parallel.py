"""Judging many attempts at once: judging is pure, so it may happen in any process and in any order."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from grader.errors import GraderError
from grader.grading.verdict import Verdict
from grader.store import Store
from grader.store.records import AttemptRecord
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.pool import can_travel, shared_pool
from grader.workflows.regrading.reference import bundled

__all__ = ["judge_all"]

#: Below this, starting processes costs more than it saves.
_WORTH_IT = 64
_CHUNK = 8

#: What forked children find; set for the time of one call only, since references are code, not data.
_work: tuple[Store, Sequence[tuple[Judge, AttemptRecord]]] | None = None


def judge_all(store: Store, work: Sequence[tuple[Judge, AttemptRecord]]) -> Iterator[Verdict | GraderError]:
    """Judges stored evidence, giving for each attempt in turn its verdict, or why there is none.

    Args:
        store: Where the evidence is.
        work: Each attempt with the judge that it comes before.
    """
    cores = len(os.sched_getaffinity(0))
    # A fork takes no threads along, so it is safe only where there are none but this one.
    alone = threading.active_count() == 1
    worth_it = len(work) >= _WORTH_IT and cores > 1
    # A program with threads is a server, which may have several courses: a course's own Python judges apart.
    apart = not alone and (worth_it or any(_is_own(judge) for judge, _ in work))
    if worth_it and alone:
        yield from _in_processes(store, work, cores)
    elif apart and all(can_travel(judge) for judge, _ in work):
        yield from shared_pool().judge(store, work)
    else:
        yield from (_judge(store, judge, attempt) for judge, attempt in work)


def _is_own(judge: Judge) -> bool:
    """Whether it judges by answers that a course brought, and not by ours."""
    folder = judge.reference.folder
    return bool(folder) and Path(folder) != bundled("reference").absolute()


def _in_processes(
    store: Store, work: Sequence[tuple[Judge, AttemptRecord]], cores: int
) -> Iterator[Verdict | GraderError]:
    global _work
    # An open SQLite connection must not be carried over a fork.
    store.disconnect()
    _work = (store, work)
    try:
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
            yield from pool.map(_judge_nth, range(len(work)), chunksize=_CHUNK)
    finally:
        _work = None


def _judge_nth(position: int) -> Verdict | GraderError:
    assert _work is not None
    store, work = _work
    return _judge(store, *work[position])


def _judge(store: Store, judge: Judge, attempt: AttemptRecord) -> Verdict | GraderError:
    try:
        return judge.verdict_on(store, attempt)
    except GraderError as error:
        return error
