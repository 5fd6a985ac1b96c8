"""`grader summary`: the whole class on one page."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.codec import decode
from grader.evidence.record import Outcome
from grader.reporting import ClassSummary, SummaryInput, summarise
from grader.store import Store
from grader.store.history import Result
from grader.workflows.report import shown_decisions, shown_lateness
from grader.workflows.rubrics import recall_newest

__all__ = ["class_summary"]


def class_summary(store: Store, assignment: str, results: Sequence[Result]) -> ClassSummary:
    """Sums up an assignment by the rubric of its newest verdict.

    Raises:
        UsageError: Nothing was judged yet.
        StoreError: Evidence is gone or was changed.
    """
    rubric = recall_newest(store, assignment).rubric
    return summarise(rubric, [_input(store, item) for item in results if item.attempt is not None])


def _input(store: Store, result: Result) -> SummaryInput:
    assert result.attempt is not None
    raw = store.blobs.get(result.attempt.evidence)
    return SummaryInput(
        student=result.student,
        outcome=Outcome(result.attempt.outcome),
        verdict=result.verdict,
        bundle=decode(raw, limit_bytes=len(raw)),
        wall_time_s=result.attempt.wall_time_s,
        decisions=shown_decisions(result),
        adjustments=shown_lateness(result),
    )
