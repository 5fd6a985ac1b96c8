"""Judging many attempts at once: judging is pure, so it may happen in any process and in any order."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
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
#: Chunks on their way for each process, so that none waits and memory holds few.
_AHEAD = 3

#: An attempt before a judge, who goes by their place among all judges.
_Chunk = list[tuple[int, AttemptRecord]]

#: What forked children find; set for the time of one call only, since references are code, not data.
_bench: tuple[Store, Sequence[Judge]] | None = None


def judge_all(
    store: Store, work: Iterable[tuple[Judge, AttemptRecord]], *, judges: Sequence[Judge], size: int
) -> Iterator[Verdict | GraderError]:
    """Judges stored evidence, giving for each attempt in turn its verdict, or why there is none.

    Args:
        store: Where the evidence is.
        work: Each attempt with the judge that it comes before; gone through as far as it is judged, so that
            a class need not be in memory.
        judges: All that come in it, and no others.
        size: How many attempts come, about.
    """
    cores = len(os.sched_getaffinity(0))
    # A fork takes no threads along, so it is safe only where there are none but this one.
    alone = threading.active_count() == 1
    worth_it = size >= _WORTH_IT and cores > 1
    # A program with threads is a server, which may have several courses: a course's own Python judges apart.
    apart = not alone and (worth_it or any(map(_is_own, judges)))
    if worth_it and alone:
        yield from _in_processes(store, work, judges, cores)
    elif apart and all(map(can_travel, judges)):
        yield from shared_pool().judge(store, work)
    else:
        yield from (_judge(store, judge, attempt) for judge, attempt in work)


def _is_own(judge: Judge) -> bool:
    """Whether it judges by answers that a course brought, and not by ours."""
    folder = judge.reference.folder
    return bool(folder) and Path(folder) != bundled("reference").absolute()


def _in_processes(
    store: Store, work: Iterable[tuple[Judge, AttemptRecord]], judges: Sequence[Judge], cores: int
) -> Iterator[Verdict | GraderError]:
    global _bench
    place = {id(judge): number for number, judge in enumerate(judges)}
    _bench = (store, judges)
    try:
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
            # An open SQLite connection must not be carried over a fork, and all are forked at the first task.
            store.disconnect()
            pool.submit(int).result()
            waiting: deque[Future[list[Verdict | GraderError]]] = deque()
            attempts = ((place[id(judge)], attempt) for judge, attempt in work)
            while chunk := list(islice(attempts, _CHUNK)):
                waiting.append(pool.submit(_judge_chunk, chunk))
                if len(waiting) >= _AHEAD * cores:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
    finally:
        _bench = None


def _judge_chunk(chunk: _Chunk) -> list[Verdict | GraderError]:
    assert _bench is not None
    store, judges = _bench
    return [_judge(store, judges[number], attempt) for number, attempt in chunk]


def _judge(store: Store, judge: Judge, attempt: AttemptRecord) -> Verdict | GraderError:
    try:
        return judge.verdict_on(store, attempt)
    except GraderError as error:
        return error
