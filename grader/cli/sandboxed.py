"""What commands that run notebooks share: Ctrl-C and its like, progress, and the table at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from grader.cli.console import print_line
from grader.cli.progress import View, view
from grader.cli.tables import closing_row, our_fault, print_closing_rows
from grader.store import Result
from grader.workflows.running.run import RunReport
from grader.workflows.running.stopping import STOPS, StopSignal
from grader.workflows.upkeep.settings import Settings
from grader.workflows.views.editions import other_editions
from grader.workflows.views.held import why_held

__all__ = ["close", "interruptible", "watched"]


@contextmanager
def watched() -> Iterator[tuple[View, StopSignal]]:
    """How far it is, on the terminal, and Ctrl-C."""
    with view() as watch, interruptible() as stop:
        yield watch, stop


def close(report: RunReport, options: Settings) -> int:
    """Prints how every submission stands, and gives the exit code."""
    seen = _Seen(report)
    editions = other_editions(seen.one_by_one())
    print_closing_rows(seen.rows)
    if report.unfinished:
        print_line(f"{report.unfinished} submissions wait: run again to go on")
    print_line(f"marks are in {options.db.rsplit('@', 1)[-1]}")
    for line in editions:
        print_line(line)
    if seen.held:
        print_line(f"{_submissions(seen.held)} could not be taken: no mark goes out until a TA has looked")
    return 1 if report.unfinished or seen.held or seen.our_fault else 0


class _Seen:
    """What has to be said of the results, gathered in one pass: a class of them does not fit into memory."""

    def __init__(self, report: RunReport) -> None:
        self._report = report
        self.rows: list[tuple[str, ...]] = []
        self.held = 0
        self.our_fault = False

    def one_by_one(self) -> Iterator[Result]:
        for result in self._report.results:
            self.rows.append(closing_row(result, self._report.earlier))
            self.held += bool(why_held(result))
            self.our_fault |= bool(our_fault(result))
            yield result


def _submissions(count: int) -> str:
    return "1 submission" if count == 1 else f"{count} submissions"


@contextmanager
def interruptible() -> Iterator[StopSignal]:
    """Ctrl-C once: finish what runs and stop. Twice: stop now. So do SIGTERM, and SIGHUP without `nohup`."""
    stop = StopSignal()
    heard = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda _number, _frame: stop.press()) for number in heard}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
