"""Submissions that could not be taken and wait for a person."""

from __future__ import annotations

from grader.facts.handed_in import nothing_came as nothing_in
from grader.grading.held import why_not_taken
from grader.store.results import Result

__all__ = ["nothing_came", "why_held"]


def why_held(result: Result) -> str:
    """Why a submission waits for a person's word before it has a mark; empty where it does not."""
    attempt, mark = result.attempt, result.mark
    if mark is not None:
        return mark.held
    return why_not_taken(attempt.outcome, attempt.detail) if attempt else ""


def nothing_came(result: Result) -> bool:
    """Whether the student handed in nothing at all."""
    attempt = result.attempt
    return attempt is not None and nothing_in(attempt.outcome, attempt.detail)
