"""`grader queue`: what waits to be run, and the orders to pause, drain, resume or run again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_text
from grader.cli.options import Assignment, Database, Evidence, User

if TYPE_CHECKING:
    from grader.store.pauses import Pause
    from grader.workflows.desk.queueing import QueueView

__all__ = ["queue"]

queue = typer.Typer(
    help="See what waits to be run; pause, drain or resume it; run submissions again.", no_args_is_help=True
)

_Only = Annotated[
    str, typer.Option("--assignment", "-a", metavar="NAME", help="Only of this one [default: all].")
]
_Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")]


@queue.command()
def show(
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Students by pseudonym.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
    db: Database = None,
) -> int:
    """Show what waits, what runs where, what is paused, and what our sandbox failed for good.

    Example: grader queue show
    """
    from grader.workflows.desk.queueing import queue_view

    with setup.store(setup.settings(db=db)) as store:
        view = queue_view(store, anonymous=anonymous)
    if as_json:
        print_text(json.dumps(asdict(view), default=_plain, indent=2) + "\n")
    else:
        _print(view)
    return 0


@queue.command()
def pause(reason: _Why, assignment: _Only = "", db: Database = None, user: User = None) -> int:
    """Take nothing more out of the queue; what runs is finished, what is handed in is received and waits.

    It holds for `grader run`, for `grader serve --workers` and for workers on other machines.

    Example: grader queue pause --reason "the GPU host is being repaired"
    """
    from grader.workflows.desk.steering import pause as order

    options = setup.settings(db=db, user=user)
    with setup.store(options) as store:
        order(store, assignment, reason, actor=setup.actor(options))
    print_line(f"{assignment or 'the queue'} is paused; `grader queue resume` takes it up again")
    return 0


@queue.command()
def drain(reason: _Why, assignment: _Only = "", db: Database = None, user: User = None) -> int:
    """Run what waits now and nothing that comes later, as before a rubric or an image is changed.

    Example: grader queue drain -a lab2 --reason "a new image for everybody after the deadline"
    """
    from grader.workflows.desk.steering import drain as order

    options = setup.settings(db=db, user=user)
    with setup.store(options) as store:
        order(store, assignment, reason, actor=setup.actor(options))
    what = assignment or "the queue"
    print_line(f"{what} is drained: what waits is run, what comes later waits until `grader queue resume`")
    return 0


@queue.command()
def resume(
    assignment: _Only = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For the history.")] = "",
    db: Database = None,
    user: User = None,
) -> int:
    """Take up again what was paused or drained.

    Example: grader queue resume
    """
    from grader.workflows.desk.steering import resume as order

    options = setup.settings(db=db, user=user)
    with setup.store(options) as store:
        order(store, assignment, reason, actor=setup.actor(options))
    print_line(f"{assignment or 'the queue'} goes on")
    return 0


@queue.command()
def rerun(
    students: Annotated[list[str], typer.Argument(metavar="STUDENT...", help="Ids, logins or names.")],
    assignment: Assignment,
    reason: _Why,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Queue students' newest submissions once more, for whoever works at the queue.

    `grader regrade --rerun` runs them here and now. Marks that people gave stay.

    Example: grader queue rerun s101 s102 -a lab2 --reason "the data set was incomplete"
    """
    from grader.workflows.desk.steering import rerun as order

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        found = order(store, setup.places(), assignment, students, reason, actor=setup.actor(options))
    print_line(f"queued again: {', '.join(found)}")
    return 0


def _print(view: QueueView) -> None:
    for each in (view.pause, *(line.pause for line in view.jobs)):
        if each is not None:
            print_line(_paused(each))
    for line in view.jobs:
        waits = f"{line.queued} waiting" + (f" ({line.held_back} held back)" if line.held_back else "")
        oldest = f", the oldest for {line.oldest}" if line.oldest else ""
        print_line(f"{line.name}: {waits}, {line.claimed} running{oldest}")
    if not view.jobs:
        print_line("nothing waits")
    for job in view.running:
        print_line(f"running: {job.shown} of {job.assignment}, {job.where or 'nobody known'}")
    for job in view.failed:
        print_line(f"failed {job.tries} times, waits again: {job.shown} of {job.assignment}: {job.error}")
    for work in view.not_run:
        print_line(f"given up by our fault: {work.shown} of {work.assignment}: {work.why}")
    if view.not_run:
        print_line("`grader queue rerun` runs them again")
    print_line(
        f"{view.at_work} at work, {view.pace} runs an hour{f', {view.left} left' if view.left else ''}"
    )


def _paused(pause: Pause) -> str:
    what, kind = pause.assignment or "the queue", "drains" if pause.drains else "paused"
    return f"{pause.by} {kind} {what}, {pause.at:%d %b %Y %H:%M} UTC: {pause.reason}"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
