"""`grader regrade`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table
from grader.cli.options import (
    Assignment,
    Database,
    Evidence,
    ReferenceFolder,
    RubricName,
    Students,
    User,
)

if TYPE_CHECKING:
    from grader.store.history import Result
    from grader.workflows.regrade import Regraded

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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell who would gain and who would lose.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
    user: User = None,
) -> int:
    """Judge stored evidence again by the given or the newest rubric; nothing is run.

    Example: grader regrade --assignment lab2 --rubric rubrics/lab2.yaml --dry-run
    """
    from grader.workflows.judging import Judge
    from grader.workflows.regrade import regrade as judge_all
    from grader.workflows.rubrics import RubricShelf, recall_newest, require_assignment
    from grader.workflows.show import find_results

    options = setup.settings(rubric=rubric, db=db, evidence=evidence, reference=reference, user=user)
    answers = setup.reference(options)
    with setup.store(options) as store:
        found = find_results(store, assignment, students or ())
        chosen = [item for item in found if outcome is None or _ended(item, outcome)]
        if options.rubric is None:
            loaded = recall_newest(store, assignment)
        else:
            loaded = RubricShelf(setup.places()).load(options.rubric)
        require_assignment(loaded, assignment)
        judge = Judge(loaded, answers)
        done = judge_all(store, chosen, lambda _: judge, actor=setup.actor(options), dry_run=dry_run)
    _change_table(done, criterion, dry_run)
    return 1 if any(item.problem for item in done) else 0


def _ended(result: Result, outcome: str) -> bool:
    return result.attempt is not None and result.attempt.outcome == outcome.upper()


def _change_table(done: Sequence[Regraded], criterion: str | None, dry_run: bool) -> None:
    """Criterion by criterion who gains and who loses, then how many of each."""
    rows = [
        (
            item.student,
            change.criterion,
            change.before.status.value if change.before else "-",
            number(change.before.points if change.before else None),
            change.after.status.value if change.after else "-",
            number(change.after.points if change.after else None),
            f"{change.difference:+g}",
        )
        for item in done
        for change in item.changes
        if criterion is None or change.criterion == criterion
    ]
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


def _say_missing(done: Sequence[Regraded]) -> None:
    lacking = [item.student for item in done if item.missing]
    if lacking:
        criteria = sorted({name for item in done for name in item.missing})
        print_line(
            f"evidence for {', '.join(criteria)} was never recorded for {len(lacking)} submissions"
            f" ({', '.join(lacking[:8])}{', ...' if len(lacking) > 8 else ''});"
            " `grader regrade --rerun` runs them again"
        )
