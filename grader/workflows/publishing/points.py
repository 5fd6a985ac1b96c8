"""Other points for criteria: what a class would have by them, reckoned from the standing at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.grading.what_if import Packed, WhatIf
from grader.store import Store
from grader.store.rubrics import LoadedRubric
from grader.workflows.publishing.draft import Standing
from grader.workflows.publishing.trial import BINS

__all__ = ["PointsRow", "packed_class", "points_rows", "reckon", "students_of"]


@dataclass(frozen=True)
class PointsRow:
    """One criterion whose points can be tried.

    Attributes:
        stands: What it is worth by the rubric that stands.
        points: What is tried.
    """

    id: str
    title: str
    stands: float
    points: float


def points_rows(
    standing: Standing, tried: LoadedRubric | None, weights: Mapping[str, float] | None = None
) -> list[PointsRow]:
    """The criteria that stand, in their order, with the points that somebody asks about.

    Args:
        standing: The rubric that stands.
        tried: Another one, whose points are asked about where it has the criterion; None for none.
        weights: Points by criterion, which go before both.
    """
    others = {criterion.id: criterion.points for criterion in tried.rubric.criteria} if tried else {}
    asked = {**others, **(weights or {})}
    return [
        PointsRow(line.id, line.title, line.points, asked.get(line.id, line.points))
        for line in standing.loaded.rubric.criteria
    ]


def reckon(store: Store, assignment: str, weights: Mapping[str, float]) -> WhatIf:
    """What a class would have by other points; an estimate, which decides nothing."""
    with store.reading() as history:
        return history.what_if(assignment, weights, bins=BINS)


def packed_class(store: Store, assignment: str) -> list[Packed]:
    """All that `reckon` goes by, for whoever reckons elsewhere; no place in it tells whose a mark is."""
    with store.reading() as history:
        return history.packed_marks(assignment)


def students_of(store: Store, assignment: str) -> int:
    """Works on an assignment, by the standing."""
    with store.reading() as history:
        return history.counts(assignment).whole.get("all", 0)
