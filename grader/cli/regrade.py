"""`grader regrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.change_table import print_changes
from grader.cli.console import print_line
from grader.cli.options import (
    Assignment,
    Data,
    Database,
    Evidence,
    Gpus,
    Isolation,
    Jobs,
    ReferenceFolder,
    RubricName,
    Runtime,
    SandboxName,
    Students,
    Training,
    User,
)
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.store import Store
    from grader.workflows.regrading.regrade_assignment import RegradeRequest
    from grader.workflows.upkeep.settings import Settings

__all__ = ["regrade"]


def regrade(
    assignment: Assignment,
    students: Students = None,
    rubric: RubricName = None,
    criterion: Annotated[
        str | None,
        typer.Option("--criterion", "-c", metavar="C", help="Only where this criterion comes out otherwise."),
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="O", help="Only attempts that ended so, as TIMEOUT.")
    ] = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Run the stored notebooks again first.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell who would gain and who would lose.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Judge by this rubric though the desk published another.")
    ] = False,
    db: Database = None,
    jobs: Jobs = None,
    data: Data = None,
    sandbox: SandboxName = None,
    isolation: Isolation = None,
    training: Training = None,
    gpus: Gpus = None,
    runtime: Runtime = None,
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
    user: User = None,
) -> int:
    """Judge stored evidence again by the given or the newest rubric; nothing is run unless asked for.

    The newest is the file in ./rubrics by which the last verdicts went, as it reads now; where there is
    none, the text that the history kept. What the desk published stays until the file says the same, or
    --yes lets the file judge.

    Example: grader regrade --assignment lab2 --rubric rubrics/lab2.yaml --dry-run
    """
    from grader.workflows.regrading.regrade_assignment import RegradeRequest, regrade_assignment

    if rerun and dry_run:
        raise UsageError("a dry run runs nothing", todo="leave out --rerun or --dry-run")
    options = setup.settings(
        rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation, training=training,
        gpus=gpus, runtime=runtime, evidence=evidence, reference=reference, user=user, fresh=rerun or None,
    )  # fmt: skip
    request = RegradeRequest(
        assignment,
        tuple(students or ()),
        options.rubric,
        criterion,
        outcome,
        tuple(setup.places()),
        setup.reference(options),
        setup.actor(options),
        yes,
    )
    with setup.store(options) as store:
        if rerun:
            return _run_again(request, options, store)
        report = regrade_assignment(request, store, dry_run=dry_run)
    print_changes(report.changes, criterion, report.unchanged, dry_run)
    print_line(f"judged by {report.judged_by}")
    return 1 if report.problems else 0


def _run_again(request: RegradeRequest, options: Settings, store: Store) -> int:
    from grader.cli.sandboxed import close, watched
    from grader.workflows.regrading.regrade_assignment import (
        choose,
        take_the_place_of_published,
        to_run_again,
    )
    from grader.workflows.running.rerun import rerun

    chosen = choose(request, store)
    again = to_run_again(request, chosen, store)
    criterion = request.criterion
    if not again:
        print_line(
            f"nothing to run again: '{criterion}' stays as it is" if criterion else "nothing to run again"
        )
        return 0
    take_the_place_of_published(request, chosen, store)
    with watched() as (watch, stop):
        done = rerun(
            again, chosen.by, options, store, request.reference, actor=request.actor, notify=watch, stop=stop
        )
    print_changes(done.changes, criterion, len(chosen.results) - len(again), dry_run=False)
    print_line(f"judged by {chosen.by.said}")
    return close(done.run, options)
