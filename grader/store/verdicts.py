"""Verdicts as they are stored, and what to say of one that is none any more."""

from __future__ import annotations

from pydantic import ValidationError

from grader.errors import StoreError
from grader.grading.verdict import Verdict
from grader.store.models import VerdictRow

__all__ = ["verdict_in"]


def verdict_in(row: VerdictRow) -> Verdict:
    """The verdict that a row holds.

    Raises:
        StoreError: It is none; the grader writes no such row.
    """
    try:
        return Verdict.model_validate_json(row.body)
    except ValidationError as error:
        raise StoreError(
            "a stored verdict cannot be read",
            where=f"row {row.seq} of the history",
            found=f"{error.error_count()} places that are not as the grader writes them",
            todo="`grader audit` tells whether it was changed after it was written",
        ) from error
