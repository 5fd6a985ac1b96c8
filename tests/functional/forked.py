"""Processes of tests that begin where the grader's modules are imported already."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

__all__ = ["Forked"]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [f"tests.functional.{name}" for name in ("killed_run", "killed_regrade", "faults.command")]
)


class Forked:
    """A process that does one thing.

    Importing the grader's modules takes most of the time of so short a run, and these tests start hundreds.
    """

    def __init__(self, work: Callable[..., None], *arguments: str | Path) -> None:
        self._process = _FORKS.Process(target=work, args=tuple(map(str, arguments)))
        self._process.start()

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status, negative for a signal; None where it still runs."""
        self._process.join(timeout_s)
        return self._process.exitcode

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def runs(self) -> bool:
        return self._process.exitcode is None

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> None:
        """Ends it where it still runs, stopped ones too."""
        if self.runs():
            self._process.kill()
            self._process.join()
