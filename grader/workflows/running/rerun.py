"""Notebooks from the history, run again without the folder that they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.facts.case import Reference
from grader.intake import Submission
from grader.store import Store
from grader.store.results import Result
from grader.workflows.regrading.chosen_rubric import ChosenRubric
from grader.workflows.regrading.regrade import Regraded, changes_between
from grader.workflows.running.events import Notify
from grader.workflows.running.grade_folder import grade_works, require_notebooks
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import RunReport
from grader.workflows.running.stopping import StopSignal
from grader.workflows.upkeep.settings import Settings

__all__ = ["Rerun", "rerun", "stored_submission"]

#: Stands for a file of which there was nothing to store.
_NOTHING = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class Rerun:
    """What came of running stored notebooks again."""

    changes: tuple[Regraded, ...]
    run: RunReport


def rerun(
    chosen: Sequence[Result],
    by: ChosenRubric,
    options: Settings,
    store: Store,
    reference: Reference,
    *,
    actor: str,
    notify: Notify,
    stop: StopSignal,
) -> Rerun:
    """Runs each student's newest stored notebook again and judges it by the given rubric.

    Raises:
        UsageError: The rubric judges photos, which the history does not hold.
    """
    require_notebooks(by.loaded.rubric)
    files = (read_file(stored_submission(store, item)) for item in chosen)
    works = plan_work(files, lambda _: by.loaded, training=options.training, cuda=options.gpus != "none")
    report = grade_works(works, options, store, reference, actor=actor, notify=notify, stop=stop)
    return Rerun(tuple(changes_between(chosen, report.results)), report)


def stored_submission(store: Store, result: Result) -> Submission:
    """A student's newest submission as it was handed in.

    What was wrong with its content shows again when it is read; only where nothing could be read is the
    problem all that there is.
    """
    file = result.submission
    return Submission(
        student=file.student,
        path=Path(file.path),
        read=lambda: store.file(file.notebook),
        submitted_at=file.submitted_at,
        late=file.late,
        problem=(file.problem or None) if file.notebook == _NOTHING else None,
    )
