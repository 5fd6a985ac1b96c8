"""`grader run`."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line
from grader.cli.options import Database, Evidence, ReferenceFolder, RubricName, User

if TYPE_CHECKING:
    from grader.sandbox.base import Sandbox
    from grader.workflows.events import Notify
    from grader.workflows.planning import Chooser
    from grader.workflows.settings import Settings
    from grader.workflows.stopping import StopSignal

__all__ = ["run"]


def run(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or archive of submissions, or a notebook.")
    ],
    rubric: RubricName = None,
    db: Database = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", help="Submissions at a time [default: by cores]."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Folder of data sets, mounted read-only [env: GRADER_DATA]."
        ),
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", metavar="auto|docker|bubblewrap", help="What to run in.")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(
            "--isolation", metavar="fork|container", help="A fork, or a container, for each submission."
        ),
    ] = None,
    training: Annotated[
        str | None,
        typer.Option("--training", metavar="budget|full", help="A few batches of each pass, or all of them."),
    ] = None,
    gpus: Annotated[str | None, typer.Option("--gpus", metavar="none|all|IDS", help="GPUs to use.")] = None,
    fresh: Annotated[bool | None, typer.Option("--fresh", help="Run again what was run before.")] = None,
    layout: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Layout of the submissions [default: auto]."),
    ] = None,
    reference: ReferenceFolder = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Grade a folder of submissions: run each notebook in a sandbox, judge it, keep the marks.

    Run it again at any time: finished work is not repeated, what was broken off goes on.

    Example: grader run submissions/ --rubric lab2 --data data/
    """
    from grader.cli.tables import closing_table, our_fault
    from grader.intake import find_submissions
    from grader.workflows.planning import plan_work, read_file
    from grader.workflows.run import run as grade

    options = setup.settings(
        submissions, rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation,
        training=training, gpus=gpus, fresh=fresh, format=layout, reference=reference, evidence=evidence,
        user=user,
    )  # fmt: skip
    found = find_submissions(submissions, format=options.format)
    choose = _chooser(options, submissions)
    files = [read_file(submission) for submission in found.submissions]
    works = plan_work(files, choose, training=options.training, cuda=options.gpus != "none")
    answers = setup.reference(options, submissions)
    from grader.cli.progress import view

    with setup.store(options, create=True) as store, view() as watch, _interruptible() as stop:
        report = grade(
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
    for problem in found.problems:
        print_line(f"not graded: {problem}")
    closing_table(report.results)
    if report.unfinished:
        print_line(f"{report.unfinished} submissions wait: run again to go on")
    print_line(f"marks are in {options.db}")
    attention = sum(bool(our_fault(result)) for result in report.results)
    return 1 if report.unfinished or attention else 0


def _chooser(options: Settings, submissions: Path) -> Chooser:
    """Gives each notebook's rubric: the one that was named, else the one whose handout it was made from."""
    from grader.workflows.rubrics import RubricShelf

    shelf = RubricShelf(setup.places(submissions))
    if options.rubric is None:
        return shelf.match
    named = shelf.load(options.rubric)
    return lambda _cells: named


def _opener(options: Settings, watch: Notify) -> Callable[[], Sandbox]:
    from grader.workflows.events import Notice

    def open_sandbox() -> Sandbox:
        from grader.sandbox.select import choose_sandbox

        return choose_sandbox(
            options.sandbox,
            isolation=options.isolation,
            gpus=options.gpus,
            data_dir=options.data,
            run_id=uuid.uuid4().hex,
            notify=lambda text: watch(Notice(text)),
        )

    return open_sandbox


@contextmanager
def _interruptible() -> Iterator[StopSignal]:
    """Ctrl-C once: finish what runs and stop. Twice: stop now."""
    from grader.workflows.stopping import StopSignal

    stop = StopSignal()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: stop.press())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
