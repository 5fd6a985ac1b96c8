"""Threads that work at the queue, each with a sandbox of its own, and the watch over them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from grader.errors import StoreUnavailable
from grader.store.queue import Progress
from grader.workflows.running.aside import Aside
from grader.workflows.running.events import Notice, Stopping, Waiting
from grader.workflows.running.execution import Desk, JobWorker
from grader.workflows.running.pausing import pauses_in_words

__all__ = ["Pool", "work_off"]

_LOOK_S = 0.1
_POLL_S = 0.5


def work_off(desk: Desk, jobs: int) -> None:
    """Runs all jobs of the desk, `jobs` at a time; returns when none is open or a stop was asked for.

    Raises:
        StoreError: The database or the evidence folder failed.
    """
    _OfRun(desk).work(jobs)


class Pool(ABC):
    """Threads that share desks, of which each has a queue.

    Args:
        desks: They share a sandbox, and are stopped together.
    """

    def __init__(self, desks: Sequence[Desk]) -> None:
        self._desks = desks
        self._desk = desks[0]
        self._said = (False, False)
        self._over = threading.Event()
        self._failure: BaseException | None = None

    @abstractmethod
    def serve(self) -> None:
        """One thread's life; what it raises ends the others as well."""

    def work(self, threads: int) -> None:
        """Serves with so many threads, until all of them have ended.

        Raises:
            StoreError: The database or the evidence folder failed.
        """
        serving = [threading.Thread(target=self._serve, name=f"worker-{n}") for n in range(threads)]
        beats = threading.Thread(target=self._beat, name="beats")
        for thread in (*serving, beats):
            thread.start()
        self._watch(serving)
        self._over.set()
        beats.join()
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        try:
            self.serve()
        except BaseException as error:
            self._fail(error)

    def _watch(self, threads: list[threading.Thread]) -> None:
        """Carries out stops until all threads have ended.

        Where this itself fails, what runs is broken off, and the failure is raised once the threads have
        ended.
        """
        while alive := next((thread for thread in threads if thread.is_alive()), None):
            alive.join(_LOOK_S)
            try:
                self._carry_out_stop()
            except Exception as error:
                self._break_off(error)

    def _beat(self) -> None:
        """Keeps the claims alive, in a thread of its own: a database that somebody holds holds it as long.

        Where this fails for good, as with a full disk, no result could be written either: what runs is broken
        off.
        """
        while not self._over.wait(max(self._desk.queue.beat_s, _LOOK_S)):
            try:
                for desk in self._desks:
                    desk.queue.beat()
            except StoreUnavailable:
                continue  # Whoever has something to write waits for it, and says so.
            except Exception as error:
                self._break_off(error)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._desk.stop.press()

    def _break_off(self, error: Exception) -> None:
        self._fail(error)
        self._desk.stop.press()

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


class _OfRun(Pool):
    """Ends when what its run asked for is done."""

    def __init__(self, desk: Desk) -> None:
        super().__init__([desk])
        self._waiting = False
        self._paused = False
        self._telling = threading.Lock()

    def serve(self) -> None:
        """Until nothing is left, and what came of the last job is recorded."""
        with Aside(f"{threading.current_thread().name}-records", self._fail) as beside:
            worker = JobWorker(self._desk, beside=beside)
            while not self._desk.stop.finishing and self._step(worker):
                pass
            worker.close()

    def _step(self, worker: JobWorker) -> bool:
        """Executes a job, or waits for another run's; False where nothing is left to do or to wait for."""
        desk = self._desk
        job = desk.patience.until_done(desk.queue.claim)
        if desk.stop.finishing:
            # What was claimed meanwhile goes back into the queue as the run signs off.
            return False
        if job is not None:
            worker.execute(job)
            return True
        worker.close()
        progress = desk.patience.until_done(desk.queue.progress)
        if progress.claimed_elsewhere and not self._waiting:
            self._waiting = True
            desk.notify(Waiting(progress.claimed_elsewhere))
        self._say_if_paused(progress)
        desk.stop.pause(_POLL_S if progress.claimed_elsewhere or progress.paused else 0)
        return bool(progress.claimed_elsewhere or progress.queued)

    def _say_if_paused(self, progress: Progress) -> None:
        """Once for each pause, however many threads wait."""
        desk = self._desk
        with self._telling:
            news, self._paused = progress.paused and not self._paused, bool(progress.paused)
        if news:
            why = desk.patience.until_done(lambda: pauses_in_words(desk.store))
            waits = f"{progress.paused} of this run wait until `grader queue resume`"
            desk.notify(Notice(f"{why}; {waits}; Ctrl-C ends this run and leaves them in the queue"))
