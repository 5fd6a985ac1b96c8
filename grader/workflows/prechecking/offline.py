"""`grader precheck`: one notebook on this machine, in a sandbox, with nothing kept."""

from __future__ import annotations

from pathlib import Path

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.intake import find_submissions, normalise_notebook
from grader.sandbox.base import Sandbox
from grader.sandbox.execution import Execution
from grader.store.rubrics import LoadedRubric
from grader.workflows.prechecking.precheck import (
    PreCheck,
    pre_checked,
    pre_checked_unread,
    precheck_plan,
)
from grader.workflows.regrading.rubrics import Chooser
from grader.workflows.running.grade_folder import require_notebooks
from grader.workflows.running.planning import File, read_file, require_data
from grader.workflows.running.recording import as_handed_in
from grader.workflows.upkeep.settings import Settings

__all__ = ["file_to_check", "precheck_file", "rubric_of"]


def file_to_check(path: Path) -> File:
    """The one notebook at a path, read.

    Raises:
        UsageError: There are several, or none at all.
    """
    found = find_submissions(path).submissions
    if len(found) != 1:
        raise UsageError(
            "a pre-check looks at one notebook",
            where=str(path),
            found=f"{len(found)} submissions",
            todo="name the notebook, or grade a folder with `grader run`",
        )
    return read_file(found[0])


def rubric_of(file: File, chooser: Chooser) -> LoadedRubric:
    """The rubric that is named, else the one that the notebook was made from.

    Raises:
        UsageError: None fits, the notebook is another assignment's, or the rubric judges no notebooks.
    """
    other = chooser.another(file.cells)
    if other is not None and chooser.named is not None:
        raise UsageError(
            "this notebook is another assignment's",
            where=str(file.submission.path),
            expected=chooser.named.assignment,
            found=other.assignment,
        )
    loaded = chooser.choose(file.cells) or chooser.named_by(file.submission.path)
    if loaded is None:
        raise UsageError(
            "no rubric fits this notebook",
            where=str(file.submission.path),
            todo="name one with `--rubric`",
        )
    require_notebooks(loaded.rubric)
    return loaded


def precheck_file(
    file: File, loaded: LoadedRubric, reference: Reference, sandbox: Sandbox, options: Settings
) -> PreCheck:
    """Runs a notebook and says what the public criteria make of it; keeps nothing.

    Raises:
        DataError: A data set is not there that the notebook reads.
        SandboxUnavailable: The sandbox does not work here.
    """
    if file.problem:
        return pre_checked_unread(loaded, file.problem)
    require_data(loaded, options.data)
    plan = precheck_plan(loaded, training=options.training, cuda=options.gpus != "none")
    execution = Execution(sandbox, take=lambda _: True, give_back=lambda _: None)
    try:
        bundle = execution.run(normalise_notebook(file.cells), plan, files=file.beside.files)
    finally:
        execution.close()
    handed_in = as_handed_in(bundle, file.notebook, file.cells)
    return pre_checked(handed_in, loaded, reference, file.cells)
