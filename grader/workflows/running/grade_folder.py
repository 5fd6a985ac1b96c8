"""The whole of `grader run`: a folder is found, read, planned, run and judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.facts.case import Reference
from grader.grading.held import TO_DO
from grader.intake import find_submissions
from grader.sandbox import select
from grader.sandbox.base import Sandbox
from grader.store import Store
from grader.workflows.regrading.rubrics import Chooser, RubricShelf
from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.planning import File, Work, plan_work, read_file, without_rubric
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.upkeep.settings import Settings

__all__ = ["FolderReport", "GradeRequest", "grade_folder", "grade_works", "of_this_assignment"]


@dataclass(frozen=True)
class GradeRequest:
    """What somebody wants graded.

    Attributes:
        submissions: A folder or archive of submissions, or a notebook.
        places: Folders in which the course's own rubrics may lie.
        reference: The course's own answers.
        actor: Who is written into the history.
    """

    submissions: Path
    settings: Settings
    places: tuple[Path, ...]
    reference: Reference
    actor: str


@dataclass(frozen=True)
class FolderReport:
    """Where the submissions stand.

    Attributes:
        problems: What of the folder could not be anybody's.
        left_out: Notebooks that were not graded: no rubric fits, or they are another assignment's.
    """

    run: RunReport
    problems: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def grade_folder(request: GradeRequest, store: Store, notify: Notify, stop: StopSignal) -> FolderReport:
    """Grades a folder of submissions, each notebook by its own rubric.

    Args:
        request: Whose work, and how it is to be run.
        store: Where the queue and the history are.
        notify: Told of every step, from any thread.
        stop: Pressed by whoever wants to stop.

    Raises:
        GraderError: The folder, a rubric, the data or the sandbox is not as it must be; nothing was queued.
    """
    options = request.settings
    chooser = RubricShelf(request.places).chooser(options.rubric)
    found = find_submissions(request.submissions, format=options.format, assignment_of=chooser.assignment_of)
    files, others = of_this_assignment([read_file(item) for item in found.submissions], chooser)
    works = plan_work(
        files,
        chooser.choose,
        by_path=chooser.named_by,
        training=options.training,
        cuda=options.gpus != "none",
    )
    report = grade_works(
        works, options, store, request.reference, actor=request.actor, notify=notify, stop=stop
    )
    return FolderReport(report, tuple(found.problems), (*others, *without_rubric(files, works)))


def of_this_assignment(files: Sequence[File], chooser: Chooser) -> tuple[list[File], list[str]]:
    """Keeps another assignment's notebook from being judged by the named rubric.

    Returns:
        The files, where a student's only notebook is another assignment's as one that waits for a person;
        and a line for each such notebook beside a student's right one.
    """
    others = [chooser.another(file.cells) for file in files]
    has_own = {
        file.submission.student
        for file, other in zip(files, others, strict=True)
        if other is None and file.cells
    }
    kept, left_out = [], []
    for file, other in zip(files, others, strict=True):
        if other is None or chooser.named is None:
            kept.append(file)
        elif file.submission.student in has_own:
            left_out.append(f"{file.submission.path}: it is the notebook of {other.rubric.title}")
        else:
            problem = (
                f"the file is the notebook of {other.rubric.title}; expected that of"
                f" {chooser.named.rubric.title}; {TO_DO}hand in the notebook of this assignment"
            )
            kept.append(replace(file, cells=(), problem=problem))
    return kept, left_out


def grade_works(
    works: Sequence[Work],
    options: Settings,
    store: Store,
    reference: Reference,
    *,
    actor: str,
    notify: Notify,
    stop: StopSignal,
) -> RunReport:
    """Runs planned work in the sandbox that the settings name."""
    return run(
        works,
        store=store,
        reference=reference,
        open_sandbox=_opener(options, notify),
        notify=notify,
        stop=stop,
        actor=actor,
        data=options.data,
        jobs=options.jobs,
        fresh=options.fresh,
    )


def _opener(options: Settings, notify: Notify) -> Callable[[], Sandbox]:
    def open_sandbox() -> Sandbox:
        return select.choose_sandbox(
            options.sandbox,
            isolation=options.isolation,
            gpus=options.gpus,
            runtime=options.runtime,
            data_dir=options.data,
            run_id=uuid.uuid4().hex,
            notify=lambda text: notify(Notice(text)),
        )

    return open_sandbox
