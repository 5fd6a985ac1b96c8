"""What of an assignment waits for people, criterion by criterion."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from grader.errors import RubricError, UsageError
from grader.grading.points import add_up
from grader.rubric.model import Criterion
from grader.rubric.problems import nearest
from grader.store import History, Store
from grader.store.class_rows import OpenRow
from grader.workflows.views.following import Following, following
from grader.workflows.views.known import require_assignment

__all__ = ["CriterionWaiting", "HeldFile", "Waiting", "require_known", "waiting"]


#: So many files that could not be taken are listed at most.
_MOST_HELD = 1000


@dataclass(frozen=True)
class CriterionWaiting:
    """One criterion with open points.

    Attributes:
        waits: Submissions that wait; of: of how many.
        points: Points that wait, of all of them.
        again: Of those that wait, marks on an earlier file, which count until they are given again.
        marked: Submissions that a person has decided on.
        flagged: Submissions that are flagged for the head TA.
        alike: Sizes of groups of equal findings among those that wait, the largest first; where a person
            reads answers, these make the groups (`desk.groups`).
    """

    criterion: str
    title: str
    out_of: float
    waits: int
    of: int
    points: float
    again: int
    marked: int
    flagged: int
    alike: tuple[int, ...]


@dataclass(frozen=True)
class HeldFile:
    """A file that could not be taken, which waits as one."""

    student: str
    points: float


@dataclass(frozen=True)
class Waiting:
    """What of an assignment waits.

    Attributes:
        criteria: Those with open points, in the rubric's order.
        held: Files that could not be taken.
    """

    assignment: str
    criteria: tuple[CriterionWaiting, ...]
    held: tuple[HeldFile, ...]

    @property
    def waits(self) -> int:
        """Judgements that wait, over all criteria."""
        return sum(each.waits for each in self.criteria)


def waiting(store: Store, assignment: str) -> Waiting:
    """Counts what waits. Writes nothing.

    Raises:
        UsageError: The assignment is unknown.
    """
    with store.reading() as history:
        require_known(history, assignment)
        counted = history.counts(assignment)
        flags = Counter(flag.criterion for flag in history.flags(assignment=assignment))
        # Looked for only where there are any: they are few among many.
        held = history.page(assignment, size=_MOST_HELD, states=["held"]) if "held" in counted.whole else []
    lines = _lines(store, assignment)
    order = {name: place for place, name in enumerate(lines)}
    with following(store, lambda: _Tally(assignment), "tally", assignment) as tally:
        by_criterion = {name: open.told() for name, open in tally.criteria.items() if open.waits}
    criteria = (
        _criterion(name, lines.get(name), told, counted.criteria.get(name, {}), flags[name])
        for name, told in sorted(by_criterion.items(), key=lambda item: (order.get(item[0], 0), item[0]))
    )
    return Waiting(
        assignment=assignment,
        criteria=tuple(criteria),
        held=tuple(HeldFile(each.student, each.pending) for each in held),
    )


def require_known(history: History, assignment: str, criterion: str | None = None) -> None:
    """Refuses what is no assignment here, and a criterion that no verdict has.

    Raises:
        UsageError: It is not known; names the nearest one.
    """
    counts = history.counts(assignment)
    if not counts.whole:
        require_assignment(history, assignment)
    if criterion is not None and counts.criteria and criterion not in counts.criteria:
        raise UsageError(
            f"{assignment} has no criterion '{criterion}'{nearest(criterion, list(counts.criteria))}"
        )


def _lines(store: Store, assignment: str) -> dict[str, Criterion]:
    """The newest rubric's lines; none where there is no verdict yet, or the rubric cannot be read."""
    try:
        return {line.id: line for line in store.rubric_at_hand(assignment).rubric.criteria}
    except (UsageError, RubricError):
        return {}


def _criterion(
    name: str, line: Criterion | None, told: _Told, counts: Mapping[str, int], flagged: int
) -> CriterionWaiting:
    return CriterionWaiting(
        criterion=name,
        title=line.title if line else name,
        out_of=line.points if line else 0.0,
        waits=told.waits,
        of=counts.get("all", 0),
        points=told.points,
        again=told.again,
        marked=counts.get("marked", 0),
        flagged=flagged,
        alike=told.alike,
    )


@dataclass(frozen=True)
class _Told:
    """What waits of one criterion, as `CriterionWaiting` has it."""

    waits: int
    points: float
    again: int
    alike: tuple[int, ...]


class _Open:
    """What waits of one criterion, counted.

    Attributes:
        waits: How many.
    """

    def __init__(self) -> None:
        self.waits = 0
        self._points: Counter[float] = Counter()
        self._again = 0
        self._sizes: Counter[str] = Counter()
        self._alike: Counter[int] = Counter()

    def count(self, row: OpenRow, number: int) -> None:
        """Counts a row once more (1), or no longer (-1)."""
        self.waits += number
        self._points[row.pending] += number
        self._again += number * (row.waits - 1)
        before = self._sizes[row.alike]
        self._sizes[row.alike] += number
        self._alike[before] -= 1
        self._alike[before + number] += 1
        if not self._sizes[row.alike]:
            del self._sizes[row.alike]

    def told(self) -> _Told:
        points = add_up(points * number for points, number in self._points.items())
        sizes = (size for size, number in self._alike.items() if size > 1 for _ in range(number))
        return _Told(self.waits, points, self._again, tuple(sorted(sizes, reverse=True)))


class _Tally(Following):
    """What waits of an assignment, by criterion."""

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self.criteria: dict[str, _Open] = defaultdict(_Open)
        self._rows: dict[str, list[OpenRow]] = {}

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        for student in changed or ():
            for row in self._rows.pop(student, ()):
                self.criteria[row.criterion].count(row, -1)
        for row in history.open_rows(self.assignment, changed):
            self._rows.setdefault(row.student, []).append(row)
            self.criteria[row.criterion].count(row, 1)
