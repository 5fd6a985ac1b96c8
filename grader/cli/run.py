"""`grader run`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import confirmed, print_line
from grader.cli.options import (
    Dask,
    DaskCa,
    DaskCert,
    DaskKey,
    DaskResources,
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

if TYPE_CHECKING:
    from grader.workflows.running.edited_rubric import EditedRubric

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
    student: Annotated[
        str, typer.Option("--student", metavar="ID", help="Whose it is, where it is one submission only.")
    ] = "",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do not ask: keep ids that look like no student's; let marks change."),
    ] = False,
    reference: ReferenceFolder = None,
    evidence: Evidence = None,
    dask: Dask = None,
    dask_ca: DaskCa = None,
    dask_cert: DaskCert = None,
    dask_key: DaskKey = None,
    dask_resources: DaskResources = None,
    user: User = None,
) -> int:
    """Grade a folder of submissions: run each notebook in a sandbox, judge it, keep the marks.

    Run it again at any time: finished work is not repeated, what was broken off goes on.

    Example: grader run submissions/ --rubric lab2 --data data/
    """
    from grader.cli.change_table import print_edited
    from grader.cli.sandboxed import close, watched
    from grader.workflows.desk.learning import learn_answers
    from grader.workflows.running.grade_folder import GradeRequest, grade_folder
    from grader.workflows.running.patience import Patience

    options = setup.settings(
        submissions, rubric=rubric, db=db, jobs=jobs, data=data, sandbox=sandbox, isolation=isolation,
        training=training, gpus=gpus, runtime=runtime, fresh=fresh, format=layout, reference=reference,
        evidence=evidence, user=user, dask=dask, dask_ca=dask_ca, dask_cert=dask_cert, dask_key=dask_key,
        dask_resources=dask_resources,
    )  # fmt: skip

    def allow(edited: EditedRubric) -> bool:
        print_edited(edited)
        return yes or confirmed("let these marks change?")

    request = GradeRequest(
        submissions,
        options,
        tuple(setup.places(submissions)),
        setup.reference(options, submissions),
        setup.actor(options),
        student,
        lambda what: yes or confirmed(f"{what}; keep {'it' if 'this' in what else 'them'}?"),
        allow,
    )
    with ExitStack() as held:
        with watched() as (watch, stop):
            patience = Patience(watch, stop)
            opened = patience.until_begun(lambda: setup.store(options, create=True))
            store = held.enter_context(opened)
            report = grade_folder(request, store, watch, stop)
            patience.until_done(lambda: learn_answers(store))
        for problem in (*report.problems, *report.left_out):
            print_line(f"not graded: {problem}")
        for line in report.dropped:
            print_line(f"left out: {line}")
        if report.edited is not None and report.edited.judged:
            print_line(f"{_marks(len(report.edited.judged))} judged again by the edited rubric")
        # The results come from the store while they are printed.
        code = close(report.run, options)
    return code or int(bool(report.left_out))


def _marks(count: int) -> str:
    return "1 mark was" if count == 1 else f"{count} marks were"
