"""`grader summary`: the whole class on one page."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.codec import decode
from grader.evidence.record import Outcome
from grader.intake.roster import Roster
from grader.reporting import ClassSummary, SummaryInput, summarise
from grader.store import Store
from grader.store.history import Result
from grader.store.remarks import remarks
from grader.workflows.regrading.rubrics import recall_newest

__all__ = ["class_summary"]


def class_summary(
    store: Store,
    assignment: str,
    results: Sequence[Result],
    *,
    roster: Roster | None = None,
    thresholds: Sequence[float] = (0.5,),
) -> ClassSummary:
    """Sums up an assignment by the rubric of its newest verdict.

    Args:
        store: Where evidence lies.
        assignment: Whose rubric counts.
        results: Of the whole class; who was never run is left away.
        roster: Tells the names that must not stand in examples.
        thresholds: Parts of the whole mark that something depends on, 0 to 1.

    Raises:
        UsageError: Nothing was judged yet.
        StoreError: Evidence is gone or was changed.
    """
    rubric = recall_newest(store, assignment).rubric
    inputs = [_input(store, item, roster) for item in results if item.attempt is not None]
    with store.reading() as session:
        asked = remarks(session, assignment=assignment)
    waiting = [remark.row.student for remark in asked if remark.state.is_open]
    return summarise(rubric, inputs, thresholds=thresholds, remarks=waiting)


def _input(store: Store, result: Result, roster: Roster | None) -> SummaryInput:
    entry = roster.find(result.student) if roster else None
    assert result.attempt is not None
    raw = store.blobs.get(result.attempt.evidence)
    return SummaryInput(
        student=result.student,
        outcome=Outcome(result.attempt.outcome),
        mark=result.mark,
        bundle=decode(raw, limit_bytes=len(raw)),
        wall_time_s=result.attempt.wall_time_s,
        name=entry.name if entry else "",
    )
