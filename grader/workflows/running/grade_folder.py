"""The whole of `grader run`: a folder is found, read, planned, run and judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.grading.held import TO_DO
from grader.intake import Submission, find_submissions
from grader.intake.doubtful import is_doubtful
from grader.intake.identity import normalise_id
from grader.rubric.model import Rubric
from grader.sandbox import select
from grader.sandbox.base import Sandbox
from grader.sandbox.pool.options import HostOptions, Pool, Tls, parse_resources
from grader.sandbox.pool.sandbox import open_pool
from grader.store import Priority, Store
from grader.workflows.regrading.rubrics import Chooser, RubricShelf
from grader.workflows.running.edited_rubric import (
    EditedRubric,
    judge_again,
    marks_at_stake,
    refusal,
    supersede,
)
from grader.workflows.running.events import Notice, Notify
from grader.workflows.running.patience import Patience
from grader.workflows.running.planning import Seen, Work, look_at, plan_seen, read_file, without_rubric
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.upkeep.settings import Settings
from grader.workflows.views.dropped import how_to_bring_back, why_dropped

__all__ = [
    "FolderReport",
    "GradeRequest",
    "grade_folder",
    "grade_works",
    "of_this_assignment",
    "require_notebooks",
]

_MOST_NAMED = 5


@dataclass(frozen=True)
class GradeRequest:
    """What somebody wants graded.

    Attributes:
        submissions: A folder or archive of submissions, or a notebook.
        places: Folders in which the course's own rubrics may lie.
        reference: The course's own answers.
        actor: Who is written into the history.
        student: Whose it is, where there is one submission only; empty takes the id that intake finds.
        confirm: Asked before ids are kept that hardly are students'; gets them in a sentence.
        allow: Asked before marks change that stand on another rubric than the one of this run.
    """

    submissions: Path
    settings: Settings
    places: tuple[Path, ...]
    reference: Reference
    actor: str
    student: str = ""
    confirm: Callable[[str], bool] = lambda _: False
    allow: Callable[[EditedRubric], bool] = lambda _: False


@dataclass(frozen=True)
class FolderReport:
    """Where the submissions stand.

    Attributes:
        problems: What of the folder could not be anybody's.
        left_out: Notebooks that were not graded: no rubric fits, they are another assignment's, or a new file
            came where a person had dropped the one before.
        dropped: Submissions that a person dropped, and whose file is the same still.
        edited: What became of marks that stood on another rubric.
    """

    run: RunReport
    problems: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    edited: EditedRubric | None = None


def grade_folder(request: GradeRequest, store: Store, notify: Notify, stop: StopSignal) -> FolderReport:
    """Grades a folder of submissions, each notebook by its own rubric.

    Args:
        request: Whose work, and how it is to be run.
        store: Where the queue and the history are.
        notify: Told of every step, from any thread.
        stop: Pressed by whoever wants to stop.

    Raises:
        GraderError: The folder, a rubric, the data or the sandbox is not as it must be; nothing was queued.
        RefusedError: Marks would change by an edited rubric, and nobody allowed it; nothing was queued.
    """
    options = request.settings
    chooser = RubricShelf(request.places, zone=store.zone).chooser(options.rubric)
    if chooser.named is not None:
        require_notebooks(chooser.named.rubric)
    found = find_submissions(request.submissions, format=options.format, assignment_of=chooser.assignment_of)
    submissions = _named(found.submissions, request.student)
    # One at a time is in memory.
    seen = [look_at(read_file(item), chooser.choose, chooser.another) for item in submissions]
    files, others = of_this_assignment(seen, chooser)
    planned = plan_seen(
        files,
        by_path=chooser.named_by,
        training=options.training,
        cuda=options.gpus != "none",
    )
    patience = Patience(notify, stop)
    works, dropped, replaced = patience.until_begun(lambda: _without_dropped(planned, store))
    if not request.student:
        known = patience.until_begun(lambda: _known(works, store))
        _require_students(works, known, request)
    edited = patience.until_begun(
        lambda: marks_at_stake(works, store, request.reference, fresh=options.fresh)
    )
    if edited.touches_marks and not request.allow(edited):
        raise refusal(edited)
    supersede(edited, store)
    report = grade_works(
        works, options, store, request.reference, actor=request.actor, notify=notify, stop=stop
    )
    patience.until_done(lambda: judge_again(edited, works, store, request.reference, actor=request.actor))
    left_out = (*others, *without_rubric(files, planned), *replaced)
    return FolderReport(report, tuple(found.problems), left_out, tuple(dropped), edited)


def require_notebooks(rubric: Rubric) -> None:
    """Keeps a rubric for photos from judging notebooks.

    Raises:
        UsageError: It is one.
    """
    if any(criterion.check.of_photos for criterion in rubric.criteria):
        raise UsageError(
            "this rubric judges photos, and this command runs notebooks",
            where=rubric.assignment,
            todo="grader photos collect SUBMISSIONS --into DIR, then grader photos check DIR",
        )


def _named(submissions: Sequence[Submission], student: str) -> list[Submission]:
    """The submissions, or the only one as the named student's."""
    if not student:
        return list(submissions)
    if len(submissions) != 1:
        raise UsageError(
            "--student names whose the only submission is",
            expected="one notebook, or one student's folder",
            found=f"{len(submissions)} submissions",
        )
    return [replace(submissions[0], student=normalise_id(student), name="")]


def _without_dropped(works: Sequence[Work], store: Store) -> tuple[list[Work], list[str], list[str]]:
    """Keeps what a person dropped from coming back by another run.

    Returns:
        The work that counts; a line for each that is dropped; and one for each of these whose file is
        another than the one that was dropped, for then somebody should look.
    """
    with store.reading() as history:
        dropped = {
            (result.assignment, result.student): result
            for name in {work.assignment for work in works}
            for result in history.results(assignment=name, with_dropped=True)
            if result.dropped
        }
    kept, same, other = [], [], []
    for work in works:
        result = dropped.get((work.assignment, work.student))
        if result is None:
            kept.append(work)
        elif work.file.notebook == result.submission.notebook:
            same.append(
                f"{work.student}, {work.assignment}: {why_dropped(result)}; {how_to_bring_back(result)}"
            )
        else:
            other.append(
                f"{work.file.submission.path}: a new file of {work.student}, whose {work.assignment} was"
                f" {why_dropped(result)}; {how_to_bring_back(result)}"
            )
    return kept, same, other


def _known(works: Sequence[Work], store: Store) -> set[tuple[str, str]]:
    """Whose work is in the history, by assignment and student."""
    with store.reading() as history:
        return {
            (name, student)
            for name in {work.assignment for work in works}
            for student in history.students(name)
        }


def _require_students(
    works: Sequence[Work], known: Container[tuple[str, str]], request: GradeRequest
) -> None:
    """Asks before something is kept under the name of an assignment, a file or a folder.

    Raises:
        UsageError: Nobody said that this is meant.
    """
    assignments = {work.assignment for work in works}
    doubted = [work for work in works if is_doubtful(work.student, assignments)]
    doubted = [work for work in doubted if (work.assignment, work.student) not in known]
    if not doubted:
        return
    names = ", ".join(sorted({f"'{work.student}'" for work in doubted})[:_MOST_NAMED])
    one = len(doubted) == 1
    what = f"{'this looks' if one else 'these look'} like no student's id: {names}"
    if request.confirm(what):
        return
    raise UsageError(
        what,
        where=str(doubted[0].file.submission.path),
        expected="a folder, or a notebook, called by each student's id",
        found=f"{len(doubted)} of {len(works)} submissions called by something else",
        todo="name the folder that holds all students; for one submission say whose it is with --student ID;"
        " or go on all the same with --yes",
    )


def of_this_assignment(files: Sequence[Seen], chooser: Chooser) -> tuple[list[Seen], list[str]]:
    """Keeps another assignment's notebook from being judged by the named rubric.

    Returns:
        The files, where a student's only notebook is another assignment's as one that waits for a person;
        and a line for each such notebook beside a student's right one.
    """
    has_own = {
        seen.file.submission.student for seen in files if seen.another is None and not seen.file.problem
    }
    kept, left_out = [], []
    for seen in files:
        file, other = seen.file, seen.another
        if other is None or chooser.named is None:
            kept.append(seen)
        elif file.submission.student in has_own:
            left_out.append(f"{file.submission.path}: it is the notebook of {other.rubric.title}")
        else:
            problem = (
                f"the file is the notebook of {other.rubric.title}; expected that of"
                f" {chooser.named.rubric.title}; {TO_DO}hand in the notebook of this assignment"
            )
            kept.append(replace(seen, file=replace(file, problem=problem)))
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
        open_sandbox=_opener(options, notify, stop),
        notify=notify,
        stop=stop,
        actor=actor,
        data=options.data,
        jobs=options.jobs,
        fresh=options.fresh,
        priority=Priority.RERUN if options.fresh else Priority.HANDED_IN,
        lease_s=options.lease_s,
    )


def _opener(options: Settings, notify: Notify, stop: StopSignal) -> Callable[[], Sandbox]:
    def open_sandbox() -> Sandbox:
        if options.dask is not None:
            return _pool(options, notify, stop)
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


def _pool(options: Settings, notify: Notify, stop: StopSignal) -> Sandbox:
    assert options.dask is not None
    pool = Pool(
        scheduler=options.dask,
        tls=Tls.of(options.dask_ca, options.dask_cert, options.dask_key),
        needs=parse_resources(options.dask_resources or ""),
        most=options.jobs,
    )
    data = None if options.data is None else str(options.data.absolute())
    hosts = HostOptions(options.sandbox, options.isolation, options.runtime, options.gpus, data)
    return open_pool(pool, hosts, lambda text: notify(Notice(text)), stopped=lambda: stop.finishing)
