"""`grader run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line
from grader.cli.options import (
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
    Training,
    User,
)

__all__ = ["run"]


def run(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or archive of submissions, or a notebook.")
    ],
    rubric: RubricName = None,
    db: Database = None,
    jobs: Jobs = None,
    data: Data = None,
    sandbox: SandboxName = None,
    isolation: Isolation = None,
    training: Training = None,
    gpus: Gpus = None,
    runtime: Runtime = None,
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
    from grader.cli.sandboxed import close, grade
    from grader.intake import find_submissions
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.running.planning import plan_work, read_file

    options = setup.settings(
        submissions, rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation,
        training=training, gpus=gpus, runtime=runtime, fresh=fresh, format=layout, reference=reference,
        evidence=evidence, user=user,
    )  # fmt: skip
    chooser = RubricShelf(setup.places(submissions)).chooser(options.rubric)
    found = find_submissions(submissions, format=options.format, assignment_of=chooser.assignment_of)
    files = [read_file(submission) for submission in found.submissions]
    works = plan_work(
        files,
        chooser.choose,
        by_path=chooser.named_by,
        training=options.training,
        cuda=options.gpus != "none",
    )
    answers = setup.reference(options, submissions)
    with setup.store(options, create=True) as store:
        report = grade(works, options, store, answers)
    for problem in found.problems:
        print_line(f"not graded: {problem}")
    return close(report, options)
