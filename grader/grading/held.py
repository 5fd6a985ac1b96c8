"""What could not be taken is held for a person: a file that nobody could read is not a mark of 0."""

from __future__ import annotations

from grader.evidence.record import Outcome
from grader.facts.handed_in import nothing_came

__all__ = ["TO_DO", "parted", "why_not_taken"]

#: Begins the last part of a detail, which says what the student can do.
TO_DO = "to do: "


def parted(detail: str) -> tuple[str, str]:
    """What is wrong with a file, and what its student can do; the second is empty where nobody said."""
    what, _, todo = detail.partition(f"; {TO_DO}")
    return what, todo


def why_not_taken(outcome: str, detail: str) -> str:
    """Why what an attempt was given could not be taken; empty where it could, and where nothing came at all.

    Verdicts of versions that gave 0 for such a file hold nothing pending, so that the outcome counts.

    Args:
        outcome: Of the attempt.
        detail: Of the attempt, in one line.
    """
    if outcome != Outcome.INVALID_SUBMISSION or nothing_came(outcome, detail):
        return ""
    return detail or "it is no notebook"
