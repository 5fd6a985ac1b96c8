"""What could not be taken is held for a person: a file that nobody could read is not a mark of 0."""

from __future__ import annotations

from grader.evidence.record import Outcome
from grader.facts.handed_in import nothing_came
from grader.grading.marks import Mark

__all__ = ["TO_DO", "parted", "why_held"]

#: Begins the last part of a detail, which says what the student can do.
TO_DO = "to do: "


def parted(detail: str) -> tuple[str, str]:
    """What is wrong with a file, and what its student can do; the second is empty where nobody said."""
    what, _, todo = detail.partition(f"; {TO_DO}")
    return what, todo


def why_held(outcome: str, detail: str, mark: Mark | None) -> str:
    """Why an attempt's mark waits for a person's word; empty where it does not, and once it is given.

    Verdicts of versions that gave 0 for such a file hold nothing pending, so that it is decisions that count.

    Args:
        outcome: Of the attempt.
        detail: Of the attempt, in one line.
        mark: What counts now; None before the first verdict.
    """
    if outcome != Outcome.INVALID_SUBMISSION or nothing_came(outcome, detail):
        return ""
    settled = mark is not None and all(item.decision for item in mark.criteria if item.out_of)
    return "" if settled else detail or "it is no notebook"
