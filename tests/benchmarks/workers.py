"""How busy the queue keeps many workers, on PostgreSQL with its disk writes on.

Usage: workers.py [WORKERS [JOB_SECONDS]]

Simulated workers claim a job, hold it for its seconds as a notebook would, then keep evidence, judge it and
write attempt and verdict, as `grader run` does. The goal is that 100 workers with jobs of 1 s are busy for
95 % of the time. Where they are not, half as many are tried, down to what this machine can do, and the table
says what they waited for: the CPU time of all steps bounds what a machine can do, the time in `write`
what one chain of seals can.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import normalise_notebook
from grader.intake.notebook import parse_notebook
from grader.rubric.plan import plan_for
from grader.sandbox.base import Job
from grader.store import Ask, JobKey, Queue, open_store
from grader.store.queue import Reach
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.recording import Recording, as_handed_in
from tests import course, postgresql

GOAL = 0.95
#: What is measured, after so long a time for all to begin.
WARM_S, WINDOW_S = 5.0, 15.0
PROCESSES = max(1, min(4, os.cpu_count() or 1))
STEPS = ("claim", "judge", "write")


@dataclass
class Told:
    """What the workers of one process did within the window: seconds by step, and how many jobs."""

    jobs: int = 0
    busy_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))


class Worker(threading.Thread):
    """One simulated worker; `told` is its process's, under `lock`."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._room.failed.append(error)

    def _work(self) -> None:
        room, step = self._room, time.monotonic
        while step() < room.end:
            began = step()
            claim = room.queue.claim(Reach())
            claimed = step()
            if claim is None:
                return
            time.sleep(room.job_s)
            ran = step()
            prepared = room.recording.judge(claim, room.evidence(claim.key), room.judge)
            judged = step()
            assert room.recording.write(prepared)
            room.note(began, claimed, ran, judged, step())


class Room:
    """A process with its share of the workers, and what they share."""

    def __init__(self, location: str, evidence: str, rubric: str, job_s: float, workers: int) -> None:
        self.job_s = job_s
        self.store = open_store(location, evidence=evidence)
        self.queue = Queue(self.store)
        self.recording = Recording(self.store, self.queue, "bench")
        loaded = load_rubric_file(Path(rubric))
        self.judge = Judge(loaded, Reference())
        cells = parse_notebook(course.notebook(course.GOOD))
        job = Job(attempt="a", notebook=normalise_notebook(cells), plan=plan_for(loaded.rubric))
        self._evidence = as_handed_in(course.answer(job), "", cells)
        self._workers = workers
        self._lock = threading.Lock()
        self.told = Told()
        self.failed: list[Exception] = []

    def evidence(self, key: JobKey) -> Bundle:
        """Other bytes for each student, as of notebooks that ran; making them is no part of the service."""
        update = {"notebook": key.notebook, "outcome_detail": key.student}
        return Bundle(self._evidence.evidence.model_copy(update=update), self._evidence.arrays)

    def serve(self, ready: Barrier) -> Told:
        with self.queue:
            ready.wait()
            self.begin = time.monotonic() + WARM_S
            self.end = self.begin + WINDOW_S
            threads = [Worker(self) for _ in range(self._workers)]
            for thread in threads:
                thread.start()
            time.sleep(WARM_S)
            cpu = time.process_time()
            while any(thread.is_alive() for thread in threads):
                time.sleep(min(self.queue.beat_s, max(0.05, self.end - time.monotonic())))
                self.queue.beat()
            if self.failed:
                raise self.failed[0]
            self.told.cpu_s = time.process_time() - cpu
        return self.told

    def note(self, began: float, claimed: float, ran: float, judged: float, written: float) -> None:
        def within(start: float, stop: float) -> float:
            return max(0.0, min(stop, self.end) - max(start, self.begin))

        with self._lock:
            told = self.told
            told.busy_s += within(claimed, ran)
            told.jobs += self.begin <= written < self.end
            for name, start, stop in zip(
                STEPS, (began, ran, judged), (claimed, judged, written), strict=True
            ):
                told.waited_s[name] += within(start, stop)


def _serve(arguments: tuple[str, str, str, float, int], ready: Barrier, results) -> None:  # type: ignore[no-untyped-def]
    results.put(Room(*arguments).serve(ready))


def measure(workers: int, job_s: float) -> list[Told]:
    folder = Path(tempfile.mkdtemp(prefix="queue-bench-"))
    rubric = course.write_rubric(folder)
    with postgresql.server(settings=("listen_addresses=",)) as server:
        location = postgresql.migrated_database(server)
        _fill(location, str(folder / "evidence"), round((WARM_S + WINDOW_S + 2) / job_s * workers) + workers)
        context = multiprocessing.get_context("spawn")
        ready, results = context.Barrier(PROCESSES), context.Queue()
        shares = [workers // PROCESSES + (n < workers % PROCESSES) for n in range(PROCESSES)]
        processes = [
            context.Process(
                target=_serve,
                args=((location, str(folder / "evidence"), str(rubric), job_s, share), ready, results),
            )
            for share in shares
        ]
        for process in processes:
            process.start()
        told = [results.get() for _ in processes]
        for process in processes:
            process.join()
    return told


def _fill(location: str, evidence: str, count: int) -> None:
    with open_store(location, evidence=evidence) as store, Queue(store) as queue, store.writing() as history:
        plan = store.blobs.put(b"{}")
        keys = (JobKey(f"s{number}", "mini", plan, plan, "image") for number in range(count))
        queue.enqueue(history, [Ask(key) for key in keys], fresh=True)


def main() -> int:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    job_s = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    while not report(workers, job_s) and workers > 1:
        workers //= 2
    return 0


def report(workers: int, job_s: float) -> bool:
    """Measures and prints; whether they were busy enough."""
    told = measure(workers, job_s)
    jobs = sum(each.jobs for each in told)
    busy = sum(each.busy_s for each in told) / (workers * WINDOW_S)
    all_s = workers * WINDOW_S
    rate = jobs / WINDOW_S
    lines = [f"{workers} workers, jobs of {job_s:g} s: busy {busy:.1%} (goal {GOAL:.0%}), {rate:.0f} jobs/s"]
    for name in STEPS:
        spent_s = sum(each.waited_s[name] for each in told)
        of_job_ms = 1000 * spent_s / max(jobs, 1)
        lines.append(f"  {name:6} {of_job_ms:7.1f} ms a job, {spent_s / all_s:.1%} of the time")
    cpu_s = max(sum(each.cpu_s for each in told), 1e-9)
    lines.append(
        f"  CPU of the grader's {PROCESSES} processes: {1000 * cpu_s / max(jobs, 1):.1f} ms a job, so at most"
        f" {(os.cpu_count() or 1) * jobs / cpu_s:.0f} jobs/s on this machine, PostgreSQL's share not counted"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return busy >= GOAL


if __name__ == "__main__":
    sys.exit(main())
