"""The queue is paused, drained, resumed, and told to run a submission again; each order is a sealed row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.errors import RefusedError, UsageError
from grader.intake import Submission
from grader.store import Ask, History, Priority, Signature, Store, WritableHistory
from grader.store.entering import ANYWHERE
from grader.store.pauses import Pause, QueueAction, QueueOrder
from grader.store.records import SubmissionRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned_here
from grader.workflows.running.keeping import ask_for, job_key, keep_plan
from grader.workflows.running.planning import HandedIn, Work, plan_of
from grader.workflows.setting_up.meant import require_why
from grader.workflows.views.identity import real_names, shown_as
from grader.workflows.views.known import require_assignment

__all__ = ["OUR_FAULT", "drain", "pause", "rerun", "resume"]

#: Why work is run again that our own sandbox failed.
OUR_FAULT = "its sandbox failed"


def pause(store: Store, assignment: str, reason: str, *, actor: str) -> None:
    """Takes nothing more out of the queue; what runs is finished, and what is handed in is received.

    Args:
        store: Whose queue.
        assignment: Only of this one; of all where it is empty.
        reason: Why, for the history and for whoever waits.
        actor: Who orders it.

    Raises:
        RefusedError: It is paused already.
        UsageError: No assignment is called so, or there is no reason.
    """
    _order(store, QueueAction.PAUSE, assignment, require_why(reason), actor)


def drain(store: Store, assignment: str, reason: str, *, actor: str) -> None:
    """Runs what waits at this moment, and lets what comes later wait; as `pause` otherwise."""
    _order(store, QueueAction.DRAIN, assignment, require_why(reason), actor)


def resume(store: Store, assignment: str, reason: str = "", *, actor: str) -> None:
    """Takes up the queue again.

    Raises:
        RefusedError: Nothing of it was paused.
        UsageError: No assignment is called so.
    """
    _order(store, QueueAction.RESUME, assignment, " ".join(reason.split()), actor)


def _order(store: Store, action: QueueAction, assignment: str, reason: str, actor: str) -> None:
    with store.writing() as history:
        if assignment and assignment not in {each.assignment for each in history.pauses()}:
            _require_known(history, assignment)
        _refuse_what_holds(action, assignment, _paused(history, assignment))
        record = QueueOrder(action=action, assignment=assignment, student=None, reason=reason)
        history.order_queue(record, Signature(actor, store.clock(), f"grader queue {action}"))


def _require_known(history: History, assignment: str) -> None:
    """One that waits in the queue is known, also where nothing of it was handed in to the history."""
    if assignment not in {each.assignment for each in history.jobs()}:
        require_assignment(history, assignment)


def _paused(history: History, assignment: str) -> Pause | None:
    return next((each for each in history.pauses() if each.assignment == assignment), None)


def _refuse_what_holds(action: QueueAction, assignment: str, held: Pause | None) -> None:
    what = assignment or "the queue"
    if action is QueueAction.RESUME and held is None:
        raise RefusedError(f"{what} is not paused", todo="`grader queue show` says what is")
    if action is QueueAction.PAUSE and held is not None and not held.drains:
        raise RefusedError(f"{what} is paused already, by {held.by}: {held.reason}")


def rerun(
    store: Store,
    places: Iterable[Path],
    assignment: str,
    students: Sequence[str],
    reason: str,
    *,
    actor: str,
    most: int | None = None,
) -> list[str]:
    """Puts the newest submissions of students into the queue once more, behind what was handed in.

    They run by the plan that a file handed in now would get, wherever a worker takes them. Marks that
    people gave stay; findings are judged again from what is recorded.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        assignment: Of which.
        students: Whose, as somebody typed them.
        reason: Why, for the history.
        actor: Who orders it.
        most: For so many at a time; None for any number.

    Returns:
        Their ids.

    Raises:
        RefusedError: One waits or runs already, was dropped, or left nothing that could be run; or they
            are too many. Nothing was written.
        UsageError: Assignment or a student is unknown, nobody is named, or there is no reason.
    """
    why = require_why(reason)
    wanted = [each.strip() for each in students if each.strip()]
    if not wanted:
        raise UsageError("nobody is named", expected="one or more students")
    with store.reading() as history:
        require_assignment(history, assignment)
    rubric = assigned_here(store, places, assignment)
    plan = keep_plan(store, plan_of(rubric))
    with store.writing() as history:
        found = zip(real_names(history, assignment, wanted), wanted, strict=True)
        meant = {student: shown_as(typed, student) for student, typed in found}
        if most is not None and len(meant) > most:
            raise RefusedError(
                f"{len(meant)} submissions are too many for you to run again at a time",
                expected=f"{most} at the most",
                todo="ask a head TA",
            )
        asks = [_ask(history, rubric, plan, student, shown) for student, shown in meant.items()]
        for student in meant:
            record = QueueOrder(action=QueueAction.RERUN, assignment=assignment, student=student, reason=why)
            history.order_queue(record, Signature(actor, store.clock(), "grader queue rerun"))
        history.queue(asks, store.clock(), fresh=True)
    return list(meant)


def _ask(history: WritableHistory, rubric: LoadedRubric, plan: str, student: str, shown: str) -> Ask:
    """The job of one student's newest file; `shown` is what whoever asks calls them."""
    assignment = rubric.assignment
    file = history.submission(student, assignment)
    if file is None:
        raise UsageError(f"{shown} handed in nothing for {assignment}")
    if student in history.dropped(assignment):
        raise RefusedError(f"{shown} was dropped from {assignment}", todo="`grader drop --undo` first")
    if file.problem:
        raise RefusedError(
            f"what {shown} handed in could not be taken: {file.problem}",
            todo="a file that can be read has to be handed in first",
        )
    job = history.job_on(student, assignment, file.notebook)
    if job is not None and job.state in ("queued", "claimed"):
        raise RefusedError(
            f"{shown} {'waits in the queue' if job.state == 'queued' else 'is being run'} already"
        )
    work = Work(HandedIn(_submission(file), file.notebook, ""), rubric, plan_of(rubric))
    return ask_for(work, job_key(work, plan, ANYWHERE), Priority.RERUN)


def _submission(file: SubmissionRecord) -> Submission:
    """As the queue has to know it: it reads the stored file itself."""
    return Submission(file.student, Path(file.path), lambda: b"", submitted_at=file.submitted_at)
