"""The rubric of an assignment, and its lines for a table's head."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grader.errors import RubricError, UsageError
from grader.store import Store
from grader.store.rubrics import LoadedRubric
from grader.workflows.desk.waiting import require_known
from grader.workflows.handing_in.assignments import assigned_here

__all__ = ["criteria_lines", "public_rubric", "whole_rubric"]


def whole_rubric(store: Store, assignment: str) -> LoadedRubric | None:
    """The newest verdict's rubric, or the one at hand before the first; None where there is none.

    Raises:
        UsageError: No assignment is called so, or none of it is within the share of whoever asks.
        RubricError: This version of the grader no longer reads it.
    """
    with store.reading() as history:
        require_known(history, assignment)
    try:
        return store.rubric_at_hand(assignment)
    except RubricError:
        raise
    except UsageError:
        return None


def public_rubric(store: Store, places: Iterable[Path], assignment: str) -> LoadedRubric | None:
    """The rubric of what is handed in now, of which students may see what is public; None where it has none.

    Raises:
        UsageError: Nothing is handed in for an assignment of this name.
    """
    found = assigned_here(store, places, assignment, photos=True)
    return found if any(each.public for each in found.rubric.criteria) else None


def criteria_lines(store: Store, assignment: str) -> list[tuple[str, str, float]]:
    """Id, title and points of each criterion of the newest rubric; none before the first verdict."""
    try:
        rubric = store.rubric_at_hand(assignment).rubric
    except (UsageError, RubricError):
        return []
    return [(line.id, line.title, line.points) for line in rubric.criteria]
