"""Notebooks from the history, to be run again without the folder that they came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from grader.intake import Submission
from grader.store import Store
from grader.store.history import Result

__all__ = ["stored_submission"]

#: Stands for a file of which there was nothing to store.
_NOTHING = hashlib.sha256().hexdigest()


def stored_submission(store: Store, result: Result) -> Submission:
    """A student's newest submission as it was handed in.

    What was wrong with its content shows again when it is read; only where nothing could be read is the
    problem all that there is.
    """
    row = result.submission
    return Submission(
        student=row.student,
        path=Path(row.path),
        read=lambda: store.blobs.get(row.notebook),
        submitted_at=row.submitted_at,
        late=row.late,
        problem=(row.problem or None) if row.notebook == _NOTHING else None,
    )
