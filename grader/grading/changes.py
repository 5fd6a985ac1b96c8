"""What changed between two marks of the same work, criterion by criterion. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from grader.grading.late import LateLine
from grader.grading.marks import CriterionMark, Mark
from grader.grading.points import add_up
from grader.judging.judgement import Status

__all__ = ["Change", "CriterionStanding", "LateChange", "compare", "late_change"]


@dataclass(frozen=True, slots=True)
class CriterionStanding:
    """Where one criterion of a mark stands, without what was found: of a whole class it is kept.

    Attributes:
        found: The finding's status, whatever a person decided.
        status: As of `CriterionMark`.
        found_points, found_pending: By the finding.
        points, pending: What counts.
    """

    title: str
    found: Status
    status: str
    found_points: float
    found_pending: float
    points: float
    pending: float
    out_of: float

    @classmethod
    def of(cls, mark: CriterionMark) -> CriterionStanding:
        found = mark.finding
        return cls(
            title=found.title,
            found=found.status,
            status=mark.status,
            found_points=found.points,
            found_pending=found.pending,
            points=mark.points,
            pending=mark.pending,
            out_of=mark.out_of,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One criterion whose finding or mark is another than before.

    Attributes:
        before, after: None where it was or is not there.
        note: What becomes of a TA's mark; empty where there is none.
    """

    criterion: str
    before: CriterionStanding | None
    after: CriterionStanding | None
    note: str = ""

    @property
    def difference(self) -> float:
        """Points gained, or lost where negative."""
        return add_up((self.after.points if self.after else 0.0, -self.before.points if self.before else 0.0))


@dataclass(frozen=True, slots=True)
class LateChange:
    """A mark's line for lateness that is another than before; None where the work is in time."""

    before: LateLine | None
    after: LateLine | None

    @property
    def difference(self) -> float:
        """Points gained, or lost where negative."""
        return add_up((self.before.points if self.before else 0.0, -self.after.points if self.after else 0.0))


def compare(before: Mark | None, after: Mark | None) -> tuple[Change, ...]:
    """The criteria whose status, points or pending points differ, in the new rubric's order."""
    old, new = _by_name(before), _by_name(after)
    names = [*new, *(name for name in old if name not in new)]
    return tuple(
        _change(name, old.get(name), new.get(name))
        for name in names
        if _standing(old.get(name)) != _standing(new.get(name))
    )


def _by_name(mark: Mark | None) -> dict[str, CriterionMark]:
    return {item.criterion: item for item in mark.criteria} if mark else {}


def _standing(mark: CriterionMark | None) -> tuple[object, ...] | None:
    if mark is None:
        return None
    found = mark.finding
    return found.status, found.points, found.pending, mark.points, mark.out_of


def _change(criterion: str, before: CriterionMark | None, after: CriterionMark | None) -> Change:
    return Change(
        criterion,
        CriterionStanding.of(before) if before else None,
        CriterionStanding.of(after) if after else None,
        _note(before, after),
    )


def _note(before: CriterionMark | None, after: CriterionMark | None) -> str:
    mark = after or before
    if mark is not None and (given := mark.earlier) is not None:
        return f"{given.by}'s mark was of {given.out_of:g}: it waits to be given again"
    if mark is None or mark.decision is None or mark.decision.points is None:
        return ""
    whose = f"{mark.decision.by}'s mark"
    if after is None:
        return f"{whose} falls away with the criterion"
    return (
        f"{whose} stays" if mark.points == mark.decision.points else f"{whose} is cut to what it is worth now"
    )


def late_change(before: LateLine | None, after: LateLine | None) -> LateChange | None:
    """What became of a mark's line for lateness; None where it is as before."""
    return None if _late_standing(before) == _late_standing(after) else LateChange(before, after)


def _late_standing(line: LateLine | None) -> tuple[object, ...] | None:
    return (line.days, line.points, line.undecided) if line else None
