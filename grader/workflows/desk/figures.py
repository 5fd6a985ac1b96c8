"""A class in figures that are cheap enough to be asked for again and again: all from the standing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grader.errors import RubricError, UsageError
from grader.grading.what_if import Distribution
from grader.store import History, Store
from grader.store.class_rows import GraderRow
from grader.workflows.desk.waiting import require_known
from grader.workflows.views.following import Following, following

__all__ = ["Agreement", "Figures", "agreements", "figures_of"]

_BINS = 10
#: Fewer decisions of a person tell nothing of how they judge.
_FEWEST = 5
_LEAST_DIFFERENCE = 0.1


@dataclass(frozen=True)
class Figures:
    """Where a class stands.

    Attributes:
        row: The newest row of the history that they know.
        works: All but those that a person dropped.
        settled: Works in which nothing waits; waiting: in which something does.
        held: Files that could not be taken.
        open: Criteria that wait, over all works.
        decided: Criteria that people decided, over all works.
        marks: Points so far, what waits counted as none.
    """

    row: int
    works: int
    settled: int
    waiting: int
    held: int
    open: int
    decided: int
    marks: Distribution


@dataclass(frozen=True)
class Agreement:
    """How several people judged one criterion.

    Attributes:
        graders: Each with how many works, and the mean share of the points, the highest first.
        apart: They differ by more than chance and a tenth of the points; whose works they were is not looked
            at, so that it is a reason to look and no more.
    """

    criterion: str
    title: str
    graders: tuple[tuple[str, int, float], ...]
    apart: bool


def figures_of(store: Store, assignment: str) -> Figures:
    """Counts where a class stands. Writes nothing.

    Raises:
        UsageError: The assignment is unknown.
    """
    with store.reading() as history:
        require_known(history, assignment)
        row, counts = history.newest_row(), history.counts(assignment)
        marks = history.histogram(assignment, bins=_BINS)
    whole = counts.whole
    return Figures(
        row=row,
        works=whole.get("all", 0) - whole.get("dropped", 0),
        settled=whole.get("settled", 0),
        waiting=whole.get("waiting", 0),
        held=whole.get("held", 0),
        open=sum(each.get("waits", 0) for each in counts.criteria.values()),
        decided=sum(each.get("marked", 0) for each in counts.criteria.values()),
        marks=marks,
    )


class _Agreements(Following):
    """How people agree, worked out again where anything of the assignment is new."""

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.found: list[Agreement] | None = None

    def forget(self) -> None:
        self.found = None

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        self.found = None


def agreements(store: Store, assignment: str) -> list[Agreement]:
    """Criteria that two people or more judged, five works each at least; those apart first."""
    with following(store, lambda: _Agreements(assignment), "agreements", assignment) as kept:
        if kept.found is None:
            kept.found = _agreements(store, assignment)
        return kept.found


def _agreements(store: Store, assignment: str) -> list[Agreement]:
    with store.reading() as history:
        rows = [row for row in history.graders(assignment) if row.works >= _FEWEST]
    by_criterion: dict[str, list[GraderRow]] = defaultdict(list)
    for row in rows:
        by_criterion[row.criterion].append(row)
    titles = _titles(store, assignment)
    found = [
        Agreement(
            criterion=criterion,
            title=titles.get(criterion, criterion),
            graders=tuple(
                (row.by, row.works, row.mean) for row in sorted(graders, key=lambda row: -row.mean)
            ),
            apart=_are_apart(graders),
        )
        for criterion, graders in by_criterion.items()
        if len(graders) > 1
    ]
    return sorted(found, key=lambda each: (not each.apart, each.title))


def _titles(store: Store, assignment: str) -> dict[str, str]:
    try:
        return {line.id: line.title for line in store.rubric_at_hand(assignment).rubric.criteria}
    except (UsageError, RubricError):
        return {}


def _are_apart(graders: Sequence[GraderRow]) -> bool:
    """Whether the most and the least generous differ by two standard errors of the difference."""
    most, least = max(graders, key=lambda row: row.mean), min(graders, key=lambda row: row.mean)
    difference = most.mean - least.mean
    error = math.sqrt(sum(max(0.0, row.squares - row.mean**2) / row.works for row in (most, least)))
    return difference > max(_LEAST_DIFFERENCE, 2 * error)
