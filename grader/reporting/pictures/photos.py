"""What was noticed on photos in a table: which one, what, and whether it is certain."""

from __future__ import annotations

from pathlib import PurePosixPath

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.judging.exhibits import PhotoNotes
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment

__all__ = ["draw"]

_ROWS = 30


def draw(report: ReportInput, finding: Finding, exhibit: PhotoNotes) -> Markup | None:
    """The notes that a student may read; whose a picture is and what was done to it is for the TA."""
    del report, finding
    notes = [note for note in exhibit.notes if not note.for_ta]
    if not notes:
        return None
    rows = [(PurePosixPath(note.photo).name, note.text, note.certain) for note in notes]
    return fragment("photos.html.j2", rows=rows[:_ROWS], left_out=max(0, len(rows) - _ROWS))
