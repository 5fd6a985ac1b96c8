"""What commands that run notebooks share: the sandbox, Ctrl-C, progress, and the table at the end."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from grader.cli import setup
from grader.cli.console import print_line
from grader.cli.progress import view
from grader.cli.tables import closing_table, our_fault
from grader.rubric.case import Reference
from grader.sandbox.base import Sandbox
from grader.store import Store
from grader.workflows.events import Notice, Notify
from grader.workflows.held import why_held
from grader.workflows.planning import Work
from grader.workflows.run import RunReport, run
from grader.workflows.settings import Settings
from grader.workflows.stopping import StopSignal

__all__ = ["close", "grade"]


def grade(works: Sequence[Work], options: Settings, store: Store, answers: Reference) -> RunReport:
    """Runs what has to be run, showing how far it is."""
    with view() as watch, _interruptible() as stop:
        return run(
            works,
            store=store,
            reference=answers,
            open_sandbox=_opener(options, watch),
            notify=watch,
            stop=stop,
            actor=setup.actor(options),
            data=options.data,
            jobs=options.jobs,
            fresh=options.fresh,
        )


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


def _opener(options: Settings, watch: Notify) -> Callable[[], Sandbox]:
    def open_sandbox() -> Sandbox:
        from grader.sandbox.select import choose_sandbox

        return choose_sandbox(
            options.sandbox,
            isolation=options.isolation,
            gpus=options.gpus,
            runtime=options.runtime,
            data_dir=options.data,
            run_id=uuid.uuid4().hex,
            notify=lambda text: watch(Notice(text)),
        )

    return open_sandbox


@contextmanager
def _interruptible() -> Iterator[StopSignal]:
    """Ctrl-C once: finish what runs and stop. Twice: stop now."""
    stop = StopSignal()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: stop.press())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
