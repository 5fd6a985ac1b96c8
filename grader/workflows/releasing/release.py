"""Marks are released to students as of a row of the history, moved on, and taken back."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors import RefusedError, UsageError
from grader.grading.requests import Kind
from grader.store import History, Signature, Store, WritableHistory
from grader.store.regrades import UnderWay
from grader.store.releases import Release, ReleaseRecord
from grader.store.remarks import Remark
from grader.workflows.mailing.telling import tell_answered, tell_released
from grader.workflows.releasing.shown import ANSWERS, release_on, released_works
from grader.workflows.views.known import require_assignment

__all__ = [
    "Showing",
    "hide_marks",
    "in_words_of",
    "is_kept_back",
    "release_marks",
    "show_answer",
    "show_in",
    "showing_of",
]


def release_marks(
    store: Store,
    assignment: str,
    *,
    upto: int,
    reason: str = "",
    actor: str,
    by: str = "grader release now",
    in_pieces: bool = False,
) -> Release:
    """Shows students their marks as they are by the history's rows up to a number.

    Args:
        store: Where they are.
        assignment: Whose.
        upto: Number of the newest row that counts: as whoever releases was shown it, so that nothing that
            came between goes out unseen.
        reason: For the history; may be empty.
        actor: Who releases.
        by: What they did it with, for the seal.
        in_pieces: Whether to release also where the class is being judged again, and only some of it was.

    Raises:
        UsageError: There is no such assignment, or no such row.
        RefusedError: A later release stands, there is no mark to show, or only a part of the class stands on
            the newest verdicts.
    """
    with store.writing() as history:
        require_assignment(history, assignment)
        newest = history.newest_row()
        if not 1 <= upto <= newest:
            raise UsageError("the history has no such row", expected=f"1 to {newest}", found=str(upto))
        standing = release_on(history.releases(assignment))
        if standing is not None and (standing.upto or 0) > upto:
            raise RefusedError(
                f"{assignment} is released up to row {standing.upto} already",
                found=f"row {upto}",
                todo="a release only moves on; take it back first (`grader release hide`)",
            )
        if not in_pieces:
            _require_whole(history, assignment, upto)
        record = ReleaseRecord(assignment=assignment, upto=upto, reason=reason.strip())
        _require_marks(history, record)
        history.release(record, Signature(actor, store.clock(), by))
        made = history.releases(assignment)[-1]
        if history.mailing() is not None:
            works = released_works(history, made).values()
            shown = [work.student for work in works if work.mark is not None and not work.dropped]
            tell_released(history, assignment, shown, store.clock())
        return made


def _require_whole(history: History, assignment: str, upto: int) -> None:
    """Lets nobody release half of a judging again: marks by one rubric for some, by another for others."""
    for each in history.regrades_under_way(assignment):
        if upto > each.after:
            raise RefusedError(
                f"{assignment} is {in_words_of(each)}",
                expected=f"a release up to row {each.after}, before it, or one after its end",
                found=f"row {upto}",
                todo="judge again to the end first (`grader regrade`); `--in-pieces` shows marks as they are"
                if each.broken_off
                else "wait until it is over, then look at what would be released once more",
            )
    cut = history.cut_by(assignment, upto)
    if cut is not None:
        raise RefusedError(
            f"{cut.by} judged {assignment} again, and row {upto} has only some of it",
            expected=f"a release before row {cut.first}, or up to row {cut.last} or later",
            found=f"row {upto}",
            todo="look at what would be released once more: it is over by now",
        )


def in_words_of(each: UnderWay) -> str:
    """What becomes of a class, or became."""
    far = f"{each.done} of {each.works} {'work' if each.works == 1 else 'works'} done"
    if each.broken_off:
        return f"judged again in part: {each.by} began, and it broke off ({far})"
    return f"being judged again by {each.by} ({far})"


def _require_marks(history: History, record: ReleaseRecord) -> None:
    assert record.upto is not None
    with history.as_of(record.upto) as past:
        if not any(result.mark is not None for result in past.results(assignment=record.assignment)):
            raise RefusedError(
                f"no work on {record.assignment} has a mark yet, so there is nothing to release",
                todo="`grader run` goes on with what is not judged yet",
            )


def hide_marks(
    store: Store, assignment: str, *, reason: str, actor: str, by: str = "grader release hide"
) -> None:
    """Takes a release back: students see again that they handed in, and no mark.

    Raises:
        UsageError: There is no such assignment.
        RefusedError: Nothing is released, or no reason is given.
    """
    with store.writing() as history:
        require_assignment(history, assignment)
        if release_on(history.releases(assignment)) is None:
            raise RefusedError(f"nothing of {assignment} is released")
        if not reason.strip():
            raise RefusedError("to take a release back needs a reason", todo="--why TEXT")
        record = ReleaseRecord(assignment=assignment, upto=None, reason=reason.strip())
        history.release(record, Signature(actor, store.clock(), by))


def is_kept_back(history: History, remark: Remark) -> bool:
    """Whether a request has an answer that its student is not shown yet."""
    answered = _answered(remark)
    if not answered:
        return False
    release = release_on(history.releases(remark.assignment))
    reach = [shown.upto for shown in history.answers_shown([remark.id])] if release else []
    return answered[-1] > max([*reach, (release.upto or 0) if release else 0])


def _answered(remark: Remark) -> list[int]:
    """Numbers of the steps that answer a request."""
    return [step.seq for step in remark.steps if step.action in ANSWERS]


def show_in(history: WritableHistory, remark: Remark, signature: Signature) -> str:
    """Shows the answer to a request to its student, beside the marks that are released.

    Args:
        history: In the transaction in which it was decided, or a later one.
        remark: With the answer among its steps.
        signature: Who shows it.

    Returns:
        Why it is not shown by itself; empty where it is.
    """
    why_not = _why_not(history, remark)
    if not why_not and is_kept_back(history, remark):
        history.release(
            ReleaseRecord(assignment=remark.assignment, upto=history.newest_row(), request=remark.id),
            signature,
        )
        tell_answered(history, remark.assignment, remark.student, remark.id, signature.at)
    return why_not


def _why_not(history: History, remark: Remark) -> str:
    if not _answered(remark):
        return "it is not answered yet"
    release = release_on(history.releases(remark.assignment))
    if release is None:
        return "the marks of this assignment are not released"
    then = released_works(history, release, [remark.student]).get(remark.student)
    if then is None or then.mark is None:
        return "the student has no mark in the release that stands"
    if remark.kind is Kind.COUNTING_ERROR or remark.decision is None:
        return ""
    [now] = history.results(assignment=remark.assignment, students=[remark.student], with_dropped=True)
    shown, stands = (each.mark.criterion(remark.criterion) if each.mark else None for each in (then, now))
    if shown is None or stands is None or shown.out_of != stands.out_of:
        # Points of another total would say nothing beside what the student sees.
        return "the criterion is worth another number of points since the release; the next release shows it"
    return ""


@dataclass(frozen=True)
class Showing:
    """What the student of a request sees of its answer.

    Attributes:
        released: Whether the marks of the assignment are.
        answered: Whether there is an answer.
        is_shown: Whether the student is shown the newest one.
        why_not: Why it cannot be shown by itself; empty where it can.
    """

    released: bool
    answered: bool
    is_shown: bool
    why_not: str


def showing_of(store: Store, remark: Remark, *, may_change: bool = True) -> Showing:
    """What the student of a request sees of its answer.

    Args:
        store: Where it is.
        remark: The request.
        may_change: Whether whoever asks may show it: then why it cannot be shown is told as well.
    """
    with store.reading() as history:
        released = release_on(history.releases(remark.assignment)) is not None
        answered, kept_back = bool(_answered(remark)), is_kept_back(history, remark)
        why_not = _why_not(history, remark) if kept_back and may_change else ""
    return Showing(released, answered, released and answered and not kept_back, why_not)


def show_answer(store: Store, id: int, *, actor: str) -> Remark:
    """Shows an answer that was kept back.

    Raises:
        RefusedError: There is no such request, or its answer cannot be shown by itself.
    """
    with store.writing() as history:
        remark = history.remark(id)
        if remark is None:
            raise RefusedError(f"there is no remark request {id}", todo="grader remark list")
        why_not = show_in(history, remark, Signature(actor, store.clock(), "grader remark show-answer"))
        if why_not:
            raise RefusedError(f"the answer to request {id} cannot be shown: {why_not}")
        return remark
