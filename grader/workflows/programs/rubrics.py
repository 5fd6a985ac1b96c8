"""The lines of an assignment's rubric, for a table's head."""

from __future__ import annotations

from grader.errors import RubricError, UsageError
from grader.store import Store

__all__ = ["criteria_lines"]


def criteria_lines(store: Store, assignment: str) -> list[tuple[str, str, float]]:
    """Id, title and points of each criterion of the newest rubric; none before the first verdict."""
    try:
        rubric = store.rubric_at_hand(assignment).rubric
    except (UsageError, RubricError):
        return []
    return [(line.id, line.title, line.points) for line in rubric.criteria]
