"""A run as it goes: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from grader.cli.console import errors, number, plain
from grader.evidence.record import Outcome
from grader.grading.points import settled_points
from grader.workflows.running.events import (
    Away,
    Back,
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
        case Planned(submissions, to_run):
            what = f"{to_run} to run" if to_run else "all of them done before"
            return f"{_submissions(submissions)}, {what}"
        case Finished():
            return _finished(event)
        case Retrying(student, tries, error):
            return f"{student}: the sandbox failed ({error}); try {tries + 1}"
        case Waiting(jobs):
            said = f"waiting for another run, which is working on {jobs}"
            return f"{said}; if it was killed, half a minute at most"
        case Away(_, why, at_most_s):
            return f"{_waiting(why)}; {at_most_s:.0f} s at most, and nothing is lost"
        case Back(name):
            return f"{name} answers again"
        case Stopping(now=True):
            return "stopping now; run again to go on from here"
        case Stopping():
            return "finishing what runs, then stopping; once more to stop now"
        case Notice(text):
            return text
        case Started() | CellRunning() | Recorded():
            return None


def _waiting(why: str) -> str:
    return f"waiting, since {why}"


@contextmanager
def _though_nobody_watches() -> Iterator[None]:
    """A terminal that was closed, or a reader that has seen enough, is no fault of what runs."""
    with suppress(OSError):
        yield


def _finished(event: Finished) -> str:
    points = f"{number(settled_points(event.points, event.out_of, event.pending))}/{number(event.out_of)}"
    pending = f", {number(event.pending)} pending" if event.pending else ""
    return f"{event.student}: {event.outcome.value}, {points}{pending}, {event.wall_time_s:.1f} s"


class LineView(View):
    """Plain lines, for logs and pipes."""

    def __call__(self, event: Event) -> None:
        line = describe(event)
        if line is not None:
            with _though_nobody_watches():
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
        self._away: dict[str, str] = {}
        self._failed = 0

    def __enter__(self) -> BarView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _though_nobody_watches():
            self._progress.stop()

    def __call__(self, event: Event) -> None:
        with _though_nobody_watches():
            self._show(event)

    def _show(self, event: Event) -> None:
        match event:
            case Planned(_, to_run) if to_run:
                # Not before: questions are asked until then, and a moving bar would write over them.
                self._progress.start()
                self._progress.update(self._task, total=to_run, visible=True)
            case Started(student):
                self._cells[student] = None
            case CellRunning(student, cell):
                self._cells[student] = cell
            case Recorded(student):
                # Its seat has begun the next one.
                self._cells.pop(student, None)
            case Finished(student):
                self._finish(student, event.outcome)
            case Away(name, why) if self._progress.live.is_started:
                self._away[name] = _waiting(why)
            case Back(name) if name in self._away:
                del self._away[name]
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
        return plain(", ".join([*self._away.values(), *shown]))


def _submissions(count: int) -> str:
    return "1 submission" if count == 1 else f"{count} submissions"
