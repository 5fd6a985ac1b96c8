"""A run as it goes: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from grader.cli.console import errors, number, plain
from grader.evidence.record import Outcome
from grader.workflows.running.events import (
    CellRunning,
    Event,
    Finished,
    Notice,
    Planned,
    Recorded,
    Retrying,
    Started,
    Stopping,
    Waiting,
)

__all__ = ["BarView", "LineView", "View", "view"]

_SHOWN_AT_ONCE = 4


class View(AbstractContextManager["View"]):
    """Takes events from any thread."""

    def __call__(self, event: Event) -> None:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


def view() -> View:
    return BarView() if sys.stderr.isatty() else LineView()


def describe(event: Event) -> str | None:
    """An event as one line; None for those that only move a bar."""
    match event:
        case Planned(submissions, 0):
            return f"{_submissions(submissions)}, all of them done before"
        case Planned(submissions, to_run):
            return f"{_submissions(submissions)}, {to_run} to run"
        case Finished():
            return _finished(event)
        case Retrying(student, tries, error):
            return f"{student}: the sandbox failed ({error}); try {tries + 1}"
        case Waiting(jobs):
            return f"waiting for another run, which is working on {jobs}"
        case Stopping(now=True):
            return "stopping now; run again to go on from here"
        case Stopping():
            return "finishing what runs, then stopping; once more to stop now"
        case Notice(text):
            return text
        case Started() | CellRunning() | Recorded():
            return None


def _finished(event: Finished) -> str:
    points = f"{number(event.points)}/{number(event.out_of)}"
    pending = f", {number(event.pending)} pending" if event.pending else ""
    return f"{event.student}: {event.outcome.value}, {points}{pending}, {event.wall_time_s:.1f} s"


class LineView(View):
    """Plain lines, for logs and pipes."""

    def __call__(self, event: Event) -> None:
        line = describe(event)
        if line is not None:
            errors().print(Text(plain(line)))


class BarView(View):
    """A bar with what is done, running and failed, and the time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("[bold]grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[running]} running"),
            TextColumn("{task.fields[failed]} failed", style="red"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[now]}", style="dim", markup=False),
            console=errors(),
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, running=0, failed=0, now="", visible=False)
        self._cells: dict[str, int | None] = {}
        self._failed = 0

    def __enter__(self) -> BarView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case Planned(_, to_run) if to_run:
                # Not before: questions are asked until then, and a moving bar would write over them.
                self._progress.start()
                self._progress.update(self._task, total=to_run, visible=True)
            case Started(student):
                self._cells[student] = None
            case CellRunning(student, cell):
                self._cells[student] = cell
            case Finished(student):
                self._finish(student, event.outcome)
            case _:
                line = describe(event)
                if line is not None:
                    self._progress.console.print(Text(plain(line)))
        self._progress.update(self._task, running=len(self._cells), failed=self._failed, now=self._now())

    def _finish(self, student: str, outcome: Outcome) -> None:
        self._cells.pop(student, None)
        self._failed += outcome.our_fault
        self._progress.advance(self._task)

    def _now(self) -> str:
        shown = [
            student if cell is None else f"{student} cell {cell}"
            for student, cell in list(self._cells.items())[:_SHOWN_AT_ONCE]
        ]
        return plain(", ".join(shown))


def _submissions(count: int) -> str:
    return "1 submission" if count == 1 else f"{count} submissions"
