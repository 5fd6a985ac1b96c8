"""`grader summary`: the whole class on one page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from grader.errors import EvidenceError, StoreError
from grader.evidence.record import Outcome
from grader.intake.roster import Roster
from grader.reporting import ClassSummary, SummaryInput, summarise
from grader.store import Store
from grader.store.results import Result

__all__ = ["class_summary"]


def class_summary(
    store: Store,
    assignment: str,
    results: Sequence[Result],
    *,
    roster: Roster | None = None,
    thresholds: Sequence[float] = (0.5,),
) -> ClassSummary:
    """Sums up an assignment by the rubric at hand.

    Args:
        store: Where evidence lies.
        assignment: Whose rubric counts.
        results: Of the whole class; who was never run is left away.
        roster: Tells the names that must not stand in examples.
        thresholds: Parts of the whole mark that something depends on, 0 to 1.

    Raises:
        UsageError: There is no rubric of it.
    """
    rubric = store.rubric_at_hand(assignment).rubric
    inputs = [_input(store, item, roster) for item in results if item.attempt is not None]
    with store.reading() as history:
        asked = history.remarks(assignment=assignment)
        gone = history.dropped(assignment)
    excused = sum(drop.excused for drop in gone.values())
    waiting = [remark.student for remark in asked if remark.state.is_open]
    return summarise(
        rubric, inputs, thresholds=thresholds, remarks=waiting, dropped=len(gone) - excused, excused=excused
    )


def _input(store: Store, result: Result, roster: Roster | None) -> SummaryInput:
    entry = roster.find(result.student) if roster else None
    assert result.attempt is not None
    bundle = None
    # One student's damaged evidence costs an example its line of code, and the class nothing.
    with suppress(StoreError, EvidenceError):
        bundle = store.evidence(result.attempt)
    return SummaryInput(
        student=result.student,
        outcome=Outcome(result.attempt.outcome),
        mark=result.mark,
        bundle=bundle,
        wall_time_s=result.attempt.wall_time_s,
        name=entry.name if entry else "",
    )
