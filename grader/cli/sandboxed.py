"""What commands that run notebooks share: Ctrl-C, progress, and the table at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from grader.cli.console import print_line
from grader.cli.progress import View, view
from grader.cli.tables import closing_table, our_fault
from grader.workflows.running.run import RunReport
from grader.workflows.running.stopping import StopSignal
from grader.workflows.upkeep.settings import Settings
from grader.workflows.views.held import why_held

__all__ = ["close", "interruptible", "watched"]


@contextmanager
def watched() -> Iterator[tuple[View, StopSignal]]:
    """How far it is, on the terminal, and Ctrl-C."""
    with view() as watch, interruptible() as stop:
        yield watch, stop


def close(report: RunReport, options: Settings) -> int:
    """Prints how every submission stands, and gives the exit code."""
    closing_table(report.results, report.earlier)
    if report.unfinished:
        print_line(f"{report.unfinished} submissions wait: run again to go on")
    print_line(f"marks are in {options.db.rsplit('@', 1)[-1]}")
    held = sum(bool(why_held(result)) for result in report.results)
    if held:
        print_line(f"{_submissions(held)} could not be taken: no mark goes out until a TA has looked")
    return 1 if report.unfinished or held or any(our_fault(result) for result in report.results) else 0


def _submissions(count: int) -> str:
    return "1 submission" if count == 1 else f"{count} submissions"


@contextmanager
def interruptible() -> Iterator[StopSignal]:
    """Ctrl-C once: finish what runs and stop. Twice: stop now."""
    stop = StopSignal()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: stop.press())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
