"""What a release would change of what students are shown, one student at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from grader.grading.changes import compare
from grader.grading.marks import Mark
from grader.store import History, Result
from grader.store.releases import Release
from grader.workflows.releasing.shown import released_works

__all__ = ["Change", "Moved", "changes", "may_have_moved"]

#: Up to so many students everybody is compared; in a larger class those whom rows since then concern.
_EVERYBODY = 500
#: So many are compared at a time, as a statement takes no more names than it takes.
_AT_A_TIME = 500


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


def changes(history: History, standing: Release, students: Collection[str] | None) -> Iterator[Change]:
    """Who would be shown something else, by id; without names.

    Args:
        history: To read in.
        standing: What is released.
        students: Among whom; everybody where it is None.
    """
    assignment = standing.assignment
    if students is not None and not students:
        return
    listed = sorted(students or ())
    for first in range(0, len(listed) or 1, _AT_A_TIME):
        some = listed[first : first + _AT_A_TIME]
        then = released_works(history, standing, some)
        now = history.results(assignment=assignment, students=some, with_dropped=True)
        yield from (move for live in now if (move := _move(then.get(live.student), live)) is not None)


def may_have_moved(history: History, standing: Release) -> set[str] | None:
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
