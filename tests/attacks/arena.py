"""Runs cases on real sandboxes, several at a time, and keeps what came of each for the tests to look at."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.plan import Plan
from grader.sandbox.base import Sandbox, Worker
from tests.attacks.bench import was_too_busy

__all__ = ["Arena"]

_WAIT_S = 1200


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Case = TypeVar("_Case", bound=_Named)
_Result = TypeVar("_Result")


class Arena(Generic[_Case, _Result]):
    """A number of workers, each with a thread of its own; cases are queued and their results remembered.

    Args:
        open_sandbox: Gives a sandbox; called once for each lane.
        plan: What workers are opened for.
        run: Runs one case on a worker.
        lanes: Workers at a time.
    """

    def __init__(
        self,
        open_sandbox: Callable[[], Sandbox],
        plan: Plan,
        run: Callable[[_Case, Worker], _Result],
        *,
        lanes: int,
    ) -> None:
        self._open_sandbox = open_sandbox
        self._plan = plan
        self._run = run
        self._lanes = lanes
        self._results: dict[str, Future[_Result]] = {}
        self._queue: queue.SimpleQueue[_Case | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def begin(self, cases: Sequence[_Case]) -> None:
        """Queues the cases and starts as many lanes as there is work for."""
        for case in cases:
            self._results[case.id] = Future()
            self._queue.put(case)
        for _ in range(min(self._lanes, len(cases))):
            self._queue.put(None)
            thread = threading.Thread(target=self._serve, daemon=True)
            thread.start()
            self._threads.append(thread)

    def result(self, case: _Case) -> _Result:
        """What came of it; waits if it is not over, and raises what the sandbox raised.

        Of a machine that twice gave it less than a twentieth of its time nothing comes: the test is skipped.
        """
        try:
            return self._results[case.id].result(timeout=_WAIT_S)
        except SandboxUnavailable as error:
            if was_too_busy(error):
                pytest.skip(f"no verdict, and nobody blamed: {error.found}")
            raise

    def close(self) -> None:
        """Ends the lanes; what nobody waits for any more is not begun."""
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        sandbox: Sandbox | None = None
        worker: Worker | None = None
        while (case := self._queue.get()) is not None:
            try:
                sandbox = sandbox or self._open_sandbox()
                worker = worker or sandbox.open(self._plan)
                self._results[case.id].set_result(self._run(case, worker))
            except BaseException as error:
                self._results[case.id].set_exception(error)
        if sandbox is not None:
            sandbox.close()
