"""`grader regrade`."""

from __future__ import annotations

from collections.abc import Sequence
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
    from grader.facts.case import Reference
    from grader.store import Store
    from grader.store.history import Result
    from grader.workflows.regrading.chosen_rubric import ChosenRubric
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
    none, the text that the history kept.

    Example: grader regrade --assignment lab2 --rubric rubrics/lab2.yaml --dry-run
    """
    from grader.workflows.regrading.chosen_rubric import choose_rubric
    from grader.workflows.regrading.judging import Judge
    from grader.workflows.regrading.regrade import lacking
    from grader.workflows.regrading.regrade import regrade as judge_all
    from grader.workflows.views.filters import criteria_of, ended_so, require_criterion
    from grader.workflows.views.show import find_results

    if rerun and dry_run:
        raise UsageError("a dry run runs nothing", todo="leave out --rerun or --dry-run")
    options = setup.settings(
        rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation, training=training,
        gpus=gpus, runtime=runtime, evidence=evidence, reference=reference, user=user, fresh=rerun or None,
    )  # fmt: skip
    answers = setup.reference(options)
    with setup.store(options) as store:
        found = find_results(store, assignment, students or ())
        chosen = ended_so(found, outcome)
        by = choose_rubric(store, assignment, options.rubric, setup.places())
        known = criteria_of(found) | {item.id for item in by.loaded.rubric.criteria}
        require_criterion(criterion, known, assignment)
        judge = Judge(by.loaded, answers)
        if rerun:
            concerned = lacking(store, chosen, judge, criterion) if criterion else chosen
            return _run_again(concerned, by, options, store, answers, criterion, len(chosen))
        done = judge_all(
            store,
            chosen,
            lambda _: judge,
            actor=setup.actor(options),
            dry_run=dry_run,
            criterion=criterion,
        )
    judged = [item for item in chosen if item.attempt is not None]
    print_changes(done, criterion, len(judged) - len(done), dry_run)
    print_line(f"judged by {by.said}")
    return 1 if any(item.problem for item in done) else 0


def _run_again(
    chosen: Sequence[Result],
    by: ChosenRubric,
    options: Settings,
    store: Store,
    answers: Reference,
    criterion: str | None,
    of: int,
) -> int:
    from grader.cli.sandboxed import close, grade
    from grader.workflows.regrading.regrade import changes_between
    from grader.workflows.running.planning import plan_work, read_file
    from grader.workflows.running.rerun import stored_submission

    if not chosen:
        print_line(
            f"nothing to run again: '{criterion}' stays as it is" if criterion else "nothing to run again"
        )
        return 0
    files = [read_file(stored_submission(store, item)) for item in chosen]
    works = plan_work(files, lambda _: by.loaded, training=options.training, cuda=options.gpus != "none")
    report = grade(works, options, store, answers)
    print_changes(changes_between(chosen, report.results), criterion, of - len(chosen), dry_run=False)
    print_line(f"judged by {by.said}")
    return close(report, options)
