"""The threads of a run, each with a sandbox of its own, and the watch over them."""

from __future__ import annotations

import threading
import time

from grader.store.queue import HEARTBEAT_S
from grader.workflows.running.events import Stopping, Waiting
from grader.workflows.running.execution import Desk, JobWorker

__all__ = ["work_off"]

_LOOK_S = 0.1
_POLL_S = 0.5


def work_off(desk: Desk, jobs: int) -> None:
    """Runs all jobs of the desk, `jobs` at a time; returns when none is open or a stop was asked for.

    Raises:
        StoreError: The database or the evidence folder failed.
    """
    pool = _Pool(desk)
    threads = [threading.Thread(target=pool.serve, name=f"worker-{n}") for n in range(jobs)]
    for thread in threads:
        thread.start()
    pool.watch(threads)
    if pool.failure is not None:
        raise pool.failure


class _Pool:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._jobs = tuple(desk.works)
        self._waiting = False
        self._beaten = time.monotonic()
        self._said = (False, False)
        self.failure: BaseException | None = None

    def serve(self) -> None:
        """One thread's life."""
        worker = JobWorker(self._desk)
        try:
            while not self._desk.stop.finishing and self._step(worker):
                pass
            worker.close()
        except BaseException as error:
            self._fail(error)

    def _step(self, worker: JobWorker) -> bool:
        """Executes a job, or waits for another run's; False where nothing is left to do or to wait for."""
        job = self._desk.queue.claim(self._jobs)
        if job is not None:
            worker.execute(job)
            return True
        worker.close()
        progress = self._desk.queue.progress(self._jobs)
        if progress.claimed_elsewhere and not self._waiting:
            self._waiting = True
            self._desk.notify(Waiting(progress.claimed_elsewhere))
        self._desk.stop.pause(_POLL_S if progress.claimed_elsewhere else 0)
        return bool(progress.claimed_elsewhere or progress.queued)

    def watch(self, threads: list[threading.Thread]) -> None:
        """Keeps the claims alive and carries out stops until all threads have ended.

        Where this itself fails, as with a full disk, no result could be written either: what runs is broken
        off, and the failure is raised once the threads have ended.
        """
        while any(thread.is_alive() for thread in threads):
            threads[0].join(_LOOK_S) if threads[0].is_alive() else time.sleep(_LOOK_S)
            try:
                self._look_after()
            except Exception as error:
                self._fail(error)
                self._desk.stop.press()

    def _fail(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self._desk.stop.press()

    def _look_after(self) -> None:
        self._carry_out_stop()
        if time.monotonic() - self._beaten > HEARTBEAT_S:
            self._beaten = time.monotonic()
            self._desk.queue.beat()

    def _carry_out_stop(self) -> None:
        stop, said = self._desk.stop, self._said
        self._said = (stop.finishing, stop.now)
        try:
            for presses in range(2):
                if self._said[presses] and not said[presses]:
                    self._desk.notify(Stopping(now=presses == 1))
        finally:
            if stop.now and not said[1] and self._desk.sandbox is not None:
                self._desk.sandbox.close()
