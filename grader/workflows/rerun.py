"""Notebooks from the history, to be run again without the folder that they came from."""

from __future__ import annotations

from pathlib import Path

from grader.intake import Submission
from grader.store import Store
from grader.store.history import Result

__all__ = ["stored_submission"]


def stored_submission(store: Store, result: Result) -> Submission:
    """A student's newest submission as it was handed in."""
    row = result.submission
    return Submission(
        student=row.student,
        path=Path(row.path),
        read=lambda: store.blobs.get(row.notebook),
        submitted_at=row.submitted_at,
        late=row.late,
        problem=row.problem or None,
    )
