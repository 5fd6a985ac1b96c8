"""The whole of `grader run`: a folder is found, read, planned, run and judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox import select
from grader.sandbox.base import Sandbox
from grader.store import Store
from grader.workflows.regrading.rubrics import RubricShelf
from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.planning import Work, plan_work, read_file
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.upkeep.settings import Settings

__all__ = ["FolderReport", "GradeRequest", "grade_folder", "grade_works"]


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
    """Where the submissions stand, and what of the folder could not be anybody's."""

    run: RunReport
    problems: tuple[str, ...]


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
    works = plan_work(
        [read_file(submission) for submission in found.submissions],
        chooser.choose,
        by_path=chooser.named_by,
        training=options.training,
        cuda=options.gpus != "none",
    )
    report = grade_works(
        works, options, store, request.reference, actor=request.actor, notify=notify, stop=stop
    )
    return FolderReport(report, tuple(found.problems))


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
