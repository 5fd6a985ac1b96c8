"""How long feedback reports take, and how large they get.

Usage: reports.py [DATABASE ASSIGNMENT]

Draws 100 reports in a row: with DATABASE from the evidence of its students, in turn, read from the store as
`grader report` reads it; without from a sample made by hand that has a picture of every kind. The goal is
150 ms on average, and 300 KB without the notebook at the end. Nothing is executed.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from grader.reporting import ReportInput, render_report
from grader.store import Store, open_store
from grader.store.results import Result
from grader.workflows.views.report import report_input
from grader.workflows.views.show import find_results
from tests.unit.reporting import samples

REPORTS = 100

Source = Callable[[], ReportInput]


def stored(store: Store, assignment: str) -> list[Source]:
    """For each student with a verdict, how to read the report's parts from the store."""
    judged = [item for item in find_results(store, assignment) if item.verdict is not None]
    return [partial(_read, store, result) for result in judged]


def _read(store: Store, result: Result) -> ReportInput:
    report = report_input(store, result)
    assert report is not None
    return report


@dataclass(frozen=True)
class Measured:
    """One report: seconds by the clock and of the processor, bytes with and without the notebook."""

    wall_s: float
    cpu_s: float
    whole: int
    short: int


def measure(read: Source) -> Measured:
    wall, cpu = time.perf_counter(), time.process_time()
    report = read()
    page = render_report(report)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(wall, cpu, _size(page), _size(render_report(replace(report, appendix=False))))


def _size(page: str) -> int:
    return len(page.encode())


def measure_all(sources: list[Source]) -> list[Measured]:
    return [measure(read) for read in itertools.islice(itertools.cycle(sources), REPORTS)]


def main(database: str = "", assignment: str = "") -> int:
    """Prints the figures."""
    if database:
        with open_store(database) as store:
            found = measure_all(stored(store, assignment))
    else:
        sample = samples.report()
        found = measure_all([lambda: sample])
    wall, cpu = (statistics.mean(each) for each in ([m.wall_s for m in found], [m.cpu_s for m in found]))
    lines = [
        f"{REPORTS} reports: {1000 * wall:.0f} ms each on average, {1000 * cpu:.0f} ms of them the"
        f" processor's; the first, which loads what all need, {1000 * found[0].wall_s:.0f} ms",
        f"largest: {max(m.whole for m in found) / 1000:.0f} KB,"
        f" without the notebook at its end {max(m.short for m in found) / 1000:.0f} KB",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
