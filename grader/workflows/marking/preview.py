"""`grader mark` without points: one criterion of one student, as whoever decides has to see it."""

from __future__ import annotations

from grader.store import Store
from grader.workflows.marking.marks import criterion_mark, graded_result
from grader.workflows.views.at_hand import about_criterion, about_evidence
from grader.workflows.views.cells import NamedCells
from grader.workflows.views.identity import shown_as

__all__ = ["preview"]


def preview(store: Store, student: str, assignment: str, criterion: str) -> list[tuple[str, str]]:
    """What was asked, what earns what, what was found and what counts now, as labelled texts. Writes nothing.

    Raises:
        RefusedError: The submission is dropped.
        RubricError: This version no longer knows the rubric.
        UsageError: Student or criterion is unknown, or there is no verdict yet.
    """
    with store.reading() as history:
        result = graded_result(history, student, assignment)
    mark = criterion_mark(result, criterion)
    assert result.rubric is not None
    criteria = store.rubric(result.rubric).rubric.criteria
    asked = next((item for item in criteria if item.id == criterion), None)
    decided = f" by {mark.decision.by}: {mark.decision.why}" if mark.decision else ""
    waits = f", {mark.pending:g} wait" if mark.pending else ""
    return [
        ("student", shown_as(student, result.student)),
        *about_criterion(asked),
        *about_evidence(NamedCells(store, result), mark),
        ("mark now", f"{mark.points:g} of {mark.out_of:g}{waits}{decided}"),
    ]
