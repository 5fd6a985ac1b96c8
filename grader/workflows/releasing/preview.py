"""What a release would show: how many marks, what of them waits, and what changed since the last one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from grader.grading.changes import compare
from grader.grading.marks import Mark
from grader.grading.points import add_up
from grader.store import History, Result, Store
from grader.store.class_views import PointsWaiting
from grader.store.releases import Release
from grader.workflows.releasing.release import in_words_of, is_kept_back
from grader.workflows.releasing.shown import release_on, released_works
from grader.workflows.views.identity import names_of
from grader.workflows.views.known import require_assignment

__all__ = ["Change", "Moved", "Preview", "WaitingCriterion", "preview_of"]

#: Up to so many students everybody is compared; in a larger class those whom rows since then concern.
_EVERYBODY = 500
#: States of works that have no mark to show.
_WITHOUT = ("not_run", "not_judged", "unreadable", "held")


class Moved(StrEnum):
    """What would become of what a student is shown."""

    NEW = "new"
    RISEN = "risen"
    FALLEN = "fallen"
    #: The same points, by other criteria or with other comments.
    OTHERWISE = "otherwise"
    GONE = "gone"


@dataclass(frozen=True)
class Change:
    """One student who would be shown something else than now.

    Attributes:
        name: By the roster; empty where it has none.
        before, after: Points; None where there is no mark.
        pending: Points that would still wait.
        criteria: Ids of those whose points would be others.
    """

    student: str
    name: str
    moved: Moved
    before: float | None
    after: float | None
    out_of: float
    pending: float
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True)
class WaitingCriterion:
    """A criterion that would go out undecided, for how many students, with how many points in all."""

    criterion: str
    students: int
    points: float


@dataclass(frozen=True)
class Preview:
    """A release as it would be now.

    Attributes:
        upto: The newest row of the history: what is confirmed is a release up to this one.
        standing: What is released; None where nothing is.
        releases: All there were and what took them back, the newest first.
        marks: Students who would be shown a mark.
        incomplete: Of those, how many have points that wait.
        without: Who handed in and has no mark yet.
        requests: Remark requests that wait for a decision.
        kept_back: Requests with an answer that is not shown, and would be.
        in_pieces: Why a part of the class alone stands on its newest verdicts, a line each: a release now
            would show students marks by one rubric, and others by another.
    """

    assignment: str
    upto: int
    standing: Release | None
    releases: tuple[Release, ...]
    marks: int
    incomplete: int
    pending: float
    without: tuple[str, ...]
    waiting: tuple[WaitingCriterion, ...]
    changes: tuple[Change, ...]
    requests: tuple[int, ...]
    kept_back: tuple[int, ...]
    in_pieces: tuple[str, ...] = ()

    def that(self, moved: str) -> list[Change]:
        """Changes of one kind."""
        return [each for each in self.changes if each.moved == moved]


def preview_of(store: Store, assignment: str) -> Preview:
    """Works out what a release up to the newest row would show. Writes nothing.

    Raises:
        UsageError: There is no such assignment.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        return _preview(history, assignment)


def _preview(history: History, assignment: str) -> Preview:
    releases = history.releases(assignment)
    standing = release_on(releases)
    counts = history.counts(assignment).whole
    incomplete, waiting = history.points_waiting(assignment)
    without = history.page(assignment, size=counts.get("all", 0), states=_WITHOUT)
    remarks = history.remarks(assignment=assignment)
    return Preview(
        assignment=assignment,
        upto=history.newest_row(),
        standing=standing,
        releases=tuple(reversed(releases)),
        marks=counts.get("settled", 0) + counts.get("waiting", 0),
        incomplete=incomplete,
        pending=add_up(each.points for each in waiting),
        without=tuple(each.student for each in without),
        waiting=tuple(sorted(map(_line, waiting), key=lambda line: (-line.points, line.criterion))),
        changes=() if standing is None else tuple(_changes(history, standing)),
        requests=tuple(each.id for each in remarks if each.state.is_open),
        kept_back=tuple(each.id for each in remarks if is_kept_back(history, each)),
        in_pieces=tuple(map(in_words_of, history.regrades_under_way(assignment))),
    )


def _line(waiting: PointsWaiting) -> WaitingCriterion:
    return WaitingCriterion(waiting.criterion, waiting.works, waiting.points)


def _changes(history: History, standing: Release) -> Iterator[Change]:
    """Who would be shown something else, by id."""
    assignment = standing.assignment
    students = _whom(history, standing)
    if students is not None and not students:
        return
    then = released_works(history, standing, sorted(students or ()))
    now = history.results(assignment=assignment, students=sorted(students or ()), with_dropped=True)
    moves = [move for live in now if (move := _move(then.get(live.student), live)) is not None]
    names = names_of(history, [each.student for each in moves])
    yield from (replace(each, name=names.get(each.student, "")) for each in moves)


def _whom(history: History, standing: Release) -> set[str] | None:
    """Whose marks may be others; None for everybody.

    Late tokens are the course's: where any are spent, a row on another assignment moves marks on this one.
    """
    assignment = standing.assignment
    if history.size(assignment) <= _EVERYBODY or history.tokens_spent_before(assignment, None):
        return None
    return history.students_since(assignment, standing.upto or 0)


def _move(then: Result | None, live: Result) -> Change | None:
    """What would change for one student; None where nothing would."""
    before, after = _counting(then), _counting(live)
    if before is None and after is None:
        return None
    criteria = tuple(each.criterion for each in compare(before, after))
    if before is None or after is None:
        moved = Moved.NEW if before is None else Moved.GONE
    elif before.points != after.points:
        moved = Moved.RISEN if after.points > before.points else Moved.FALLEN
    elif criteria or _said(before) != _said(after):
        moved = Moved.OTHERWISE
    else:
        return None
    mark = after or before
    assert mark is not None
    return Change(
        student=live.student,
        name="",
        moved=moved,
        before=before.points if before else None,
        after=after.points if after else None,
        out_of=mark.out_of,
        pending=after.pending if after else 0.0,
        criteria=criteria if before and after else (),
    )


def _counting(result: Result | None) -> Mark | None:
    """The mark that a student is shown, or would be; None where there is none."""
    if result is None or result.dropped or result.mark is None or result.mark.held:
        return None
    return result.mark


def _said(mark: Mark) -> list[tuple[str, str]]:
    """What a student reads of each criterion beside points."""
    return [(each.told, each.decision.why if each.decision else "") for each in mark.criteria]
