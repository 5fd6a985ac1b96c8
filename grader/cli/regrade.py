"""`grader regrade`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table
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
    SandboxName,
    Students,
    Training,
    User,
)
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.grading.late import LateLine
    from grader.rubric.case import Reference
    from grader.store import Store
    from grader.store.history import Result
    from grader.workflows.chosen_rubric import ChosenRubric
    from grader.workflows.regrade import Regraded
    from grader.workflows.settings import Settings

__all__ = ["regrade"]


def regrade(
    assignment: Assignment,
    students: Students = None,
    rubric: RubricName = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", metavar="C", help="Tell of this criterion only.")
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
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
    user: User = None,
) -> int:
    """Judge stored evidence again by the given or the newest rubric; nothing is run unless asked for.

    The newest is the file in ./rubrics by which the last verdicts went, as it reads now; where there is
    none, the text that the history kept.

    Example: grader regrade --assignment lab2 --rubric rubrics/lab2.yaml --dry-run
    """
    from grader.workflows.chosen_rubric import choose_rubric
    from grader.workflows.judging import Judge
    from grader.workflows.regrade import regrade as judge_all
    from grader.workflows.show import find_results

    if rerun and dry_run:
        raise UsageError("a dry run runs nothing", todo="leave out --rerun or --dry-run")
    options = setup.settings(
        rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation, training=training,
        gpus=gpus, evidence=evidence, reference=reference, user=user, fresh=rerun or None,
    )  # fmt: skip
    answers = setup.reference(options)
    with setup.store(options) as store:
        found = find_results(store, assignment, students or ())
        chosen = [item for item in found if outcome is None or _ended(item, outcome)]
        by = choose_rubric(store, assignment, options.rubric, setup.places())
        if rerun:
            return _run_again(chosen, by, options, store, answers)
        judge = Judge(by.loaded, answers)
        done = judge_all(store, chosen, lambda _: judge, actor=setup.actor(options), dry_run=dry_run)
    _change_table(done, criterion, dry_run)
    print_line(f"judged by {by.said}")
    return 1 if any(item.problem for item in done) else 0


def _run_again(
    chosen: Sequence[Result], by: ChosenRubric, options: Settings, store: Store, answers: Reference
) -> int:
    from grader.cli.sandboxed import close, grade
    from grader.workflows.planning import plan_work, read_file
    from grader.workflows.regrade import changes_between
    from grader.workflows.rerun import stored_submission

    files = [read_file(stored_submission(store, item)) for item in chosen]
    works = plan_work(files, lambda _: by.loaded, training=options.training, cuda=options.gpus != "none")
    report = grade(works, options, store, answers)
    _change_table(changes_between(chosen, report.results), None, dry_run=False)
    print_line(f"judged by {by.said}")
    return close(report, options)


def _ended(result: Result, outcome: str) -> bool:
    return result.attempt is not None and result.attempt.outcome == outcome.upper()


def _change_table(done: Sequence[Regraded], criterion: str | None, dry_run: bool) -> None:
    """Criterion by criterion who gains and who loses, lateness last, then how many of each."""
    rows = [row for item in done for row in _rows(item, criterion)]
    columns = ("student", "criterion", "was", "points", "is", "points now", "difference")
    if rows:
        print_table(columns, rows, right=("points", "points now", "difference"))
    up, down = (sum(sign * item.difference > 0 for item in done) for sign in (1, -1))
    would = "would go" if dry_run else "went"
    print_line(f"{up} {would} up, {down} down, {len(done) - up - down} same")
    for item in done:
        if item.problem:
            print_line(f"{item.student}: not judged: {item.problem}")
    _say_missing(done)
    if dry_run:
        print_line("nothing was written")


def _rows(item: Regraded, criterion: str | None) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (
            item.student,
            change.criterion,
            change.before.status.value if change.before else "-",
            number(change.before.points if change.before else None),
            change.after.status.value if change.after else "-",
            number(change.after.points if change.after else None),
            f"{change.difference:+g}",
        )
        for change in item.changes
        if criterion in (None, change.criterion)
    ]
    late = item.lateness if criterion is None else None
    if late is not None:
        was, now = _lateness(late.before), _lateness(late.after)
        rows.append((item.student, "(lateness)", *was, *now, f"{late.difference:+g}"))
    return rows


def _lateness(line: LateLine | None) -> tuple[str, str]:
    """How late, and the points that this adds to the mark."""
    if line is None:
        return "in time", number(0.0)
    if line.undecided:
        return "late, nobody knows how much", number(0.0)
    return f"{line.days} {'day' if line.days == 1 else 'days'} late", number(0 - line.points)


def _say_missing(done: Sequence[Regraded]) -> None:
    lacking = [item.student for item in done if item.missing]
    if lacking:
        criteria = sorted({name for item in done for name in item.missing})
        print_line(
            f"evidence for {', '.join(criteria)} was never recorded for {len(lacking)} submissions"
            f" ({', '.join(lacking[:8])}{', ...' if len(lacking) > 8 else ''});"
            " `grader regrade --rerun` runs them again"
        )
