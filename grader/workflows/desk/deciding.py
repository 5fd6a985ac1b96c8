"""Giving marks at the desk: to many alike at once, undoing one's last, repeating it, comments used so far.

A mark to one submission is `grader.workflows.marking.marks.give_marks`, with what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.errors import GraderError, RefusedError, UsageError
from grader.grading.marks import CriterionMark
from grader.grading.remarks import check_range
from grader.grading.seen import Seen
from grader.store import History, Result, Signature, Store, WritableHistory
from grader.store.given import CommentUsed, GivenMark
from grader.store.marks import About, BulkMarkRecord, MarkRecord
from grader.store.remarks import Remark
from grader.workflows.marking.marks import Marked, criterion_mark
from grader.workflows.marking.seen import refuse_overtaken
from grader.workflows.views.identity import real_names
from grader.workflows.views.show import refuse_dropped

__all__ = ["Alike", "DecidedAlike", "Undone", "comments_used", "decide_alike", "last_given", "undo_last"]


@dataclass(frozen=True)
class Alike:
    """One of the submissions that a decision is to be about, as it was shown."""

    student: str
    seen: Seen


@dataclass(frozen=True)
class DecidedAlike:
    """What one decision about several came to.

    Attributes:
        seq: Its number in the history, by which it is undone as one.
        marked: What it changed for each.
    """

    seq: int
    marked: tuple[Marked, ...]


@dataclass(frozen=True)
class Undone:
    """A mark that was undone, and what counts now.

    Attributes:
        kept: Those of its submissions that have another mark since, which stays.
    """

    given: GivenMark
    marked: tuple[Marked, ...]
    kept: tuple[str, ...] = ()


def decide_alike(
    store: Store,
    assignment: str,
    criterion: str,
    points: float,
    comment: str,
    about: Sequence[Alike],
    *,
    actor: str,
    most: int | None = None,
) -> DecidedAlike:
    """Gives one criterion of several submissions the same points, all of them or none, by one sealed row.

    Args:
        store: Where marks are kept.
        assignment: Which work.
        criterion: Its id.
        points: For each of them.
        comment: For each of them.
        about: Whose, each with what was shown of it.
        actor: Who decides.
        most: How many one decision may be about, as the decider's role has it; None for any number.

    Raises:
        OvertakenError: The only problem is one of which something else stands than what was shown.
        RefusedError: One or more cannot be given, each named with its reason; or they are too many.
        UsageError: A student or the criterion is unknown.
    """
    if not about:
        raise UsageError("a decision about several needs to name them")
    if most is not None and len(about) > most:
        raise RefusedError(
            f"one decision of yours may be about {most} submissions",
            found=str(len(about)),
            todo="choose fewer, or ask the head TA",
        )
    with store.writing() as history:
        chosen = _chosen(history, assignment, [each.student for each in about])
        marked, problems = [], list[GraderError]()
        requests = _open_requests(history, assignment)
        for each, result in zip(about, chosen, strict=True):
            try:
                marked.append(_may_give(history, result, criterion, points, each, requests, actor))
            except (RefusedError, UsageError) as error:
                problems.append(error)
        _raise_all(problems)
        given = BulkMarkRecord(
            assignment=assignment,
            criterion=criterion,
            points=points,
            comment=comment,
            about=tuple(
                About(result.student, each.seen.verdict, each.seen.mark)
                for each, result in zip(about, chosen, strict=True)
            ),
        )
        seq = history.give_alike(given, Signature(actor, store.clock(), "one decision about several alike"))
    return DecidedAlike(seq, tuple(marked))


def _chosen(history: History, assignment: str, students: Sequence[str]) -> list[Result]:
    """The standing of each of them, in their order.

    Raises:
        RefusedError: One is dropped, or named twice.
        UsageError: One is unknown, or has no verdict yet.
    """
    names = real_names(history, assignment, students)
    if len(set(names)) < len(names):
        twice = next(typed for typed, name in zip(students, names, strict=True) if names.count(name) > 1)
        raise RefusedError(f"{twice} is named twice", todo="nothing was written: leave one of them out")
    found = {
        result.student: result
        for result in history.results(assignment=assignment, students=names, with_dropped=True)
    }
    for typed, name in zip(students, names, strict=True):
        if name not in found:
            raise UsageError(f"'{typed}' handed in nothing for {assignment}")
        refuse_dropped(found[name], typed)
        if found[name].mark is None:
            raise UsageError(f"there is no verdict on {typed}'s {assignment} yet")
    return [found[name] for name in names]


def _open_requests(history: History, assignment: str) -> dict[tuple[str, str], Remark]:
    """Open remark requests by student and criterion."""
    asked = history.remarks(assignment=assignment)
    return {(remark.student, remark.criterion): remark for remark in asked if remark.state.is_open}


def _may_give(
    history: History,
    result: Result,
    criterion: str,
    points: float,
    each: Alike,
    requests: dict[tuple[str, str], Remark],
    actor: str,
) -> Marked:
    mark = criterion_mark(result, criterion)
    _refuse_requested(requests.get((result.student, criterion)), each.student, criterion)
    refuse_overtaken(history, result, mark, each.seen, actor=actor, name=each.student)
    refusal = f"{each.student}: these points cannot be given for '{criterion}'"
    check_range(points, lowest=0.0, out_of=mark.out_of, refusal=refusal)
    return Marked(each.student, criterion, mark.points, points, mark.out_of)


def _refuse_requested(remark: Remark | None, student: str, criterion: str) -> None:
    if remark is not None:
        raise RefusedError(
            f"{student}: a remark request on '{criterion}' is open",
            todo=f"decide it: grader remark decide {remark.id} --points P --reason TEXT",
        )


def _raise_all(problems: Sequence[GraderError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise RefusedError("\n".join(map(str, problems)), todo="nothing was written")


def undo_last(store: Store, assignment: str, *, actor: str, criterion: str | None = None) -> Undone:
    """Undoes the newest mark that a person gave, by a new row: what was before it counts again.

    A decision about several is undone as one; where somebody has marked one of them since, that mark stays.

    Args:
        store: Where marks are kept.
        assignment: Which work.
        actor: Whose mark.
        criterion: Only a mark of this one.

    Raises:
        RefusedError: There is none, a remark request on it is open, or somebody else has marked it since.
    """
    with store.writing() as history:
        given = history.given_by(actor, assignment, criterion)
        if given is None:
            raise RefusedError(f"{actor} has no mark on {assignment} to undo")
        before = _standing_of(history, assignment, given)
        kept = tuple(student for student, (_, by) in before.items() if by != given.seq)
        if len(kept) == len(given.about):
            raise RefusedError(
                f"the mark of '{given.criterion}' does not count any more: somebody has marked it since",
                todo="give another mark in place of that one",
            )
        requests = _open_requests(history, assignment)
        for each in given.about:
            if each.student not in kept:
                asked = requests.get((each.student, given.criterion))
                _refuse_requested(asked, each.student, given.criterion)
        _undo(history, assignment, given, Signature(actor, store.clock(), f"undoes row {given.seq}"))
        after = _standing_of(history, assignment, given)
    marked = tuple(
        Marked(student, given.criterion, before[student][0].points, mark.points, mark.out_of)
        for student, (mark, _) in after.items()
        if student not in kept
    )
    return Undone(given, marked, kept)


def _standing_of(
    history: History, assignment: str, given: GivenMark
) -> dict[str, tuple[CriterionMark, int | None]]:
    """What counts for each that a mark is about, and the number of the row that decides it."""
    students = [each.student for each in given.about]
    found = {}
    for result in history.results(assignment=assignment, students=students, with_dropped=True):
        mark = result.mark.criterion(given.criterion) if result.mark else None
        if mark is not None:
            stands = mark.decision or mark.earlier
            found[result.student] = mark, stands.seq if stands else None
    return found


def _undo(history: WritableHistory, assignment: str, given: GivenMark, signature: Signature) -> None:
    if given.bulk:
        history.give_alike(
            BulkMarkRecord(
                assignment=assignment,
                criterion=given.criterion,
                points=None,
                comment="",
                about=given.about,
                undoes=given.seq,
            ),
            signature,
        )
        return
    [about] = given.about
    history.give_mark(
        MarkRecord(
            student=about.student,
            assignment=assignment,
            criterion=given.criterion,
            points=None,
            comment="",
            verdict=about.verdict,
            undoes=given.seq,
        ),
        signature,
    )


def last_given(store: Store, assignment: str, criterion: str, *, actor: str) -> GivenMark | None:
    """A person's newest mark of a criterion, to give the same once more; None where there is none."""
    with store.reading() as history:
        return history.given_by(actor, assignment, criterion)


def comments_used(store: Store, assignment: str, criterion: str) -> list[CommentUsed]:
    """Comments that marks of a criterion were given with, each with its points, the most used first."""
    with store.reading() as history:
        return history.comments_on(assignment, criterion)
