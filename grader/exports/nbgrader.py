"""The CSV file of `nbgrader export`.

Source: nbgrader, `nbgrader/plugins/export.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.exports.cells import Cell, csv_bytes, utc_text
from grader.exports.model import Course, Export, Format, StudentMark

__all__ = ["NBGRADER"]

_HEADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def write(course: Course, marks: Sequence[StudentMark]) -> Export:
    """A row for each student; `raw_score` is before lateness, times are in UTC."""
    rows = [_HEADER, *(_row(course, mark) for mark in marks)]
    return Export({"": csv_bytes(rows)}, tuple(mark.student for mark in marks))


def _row(course: Course, mark: StudentMark) -> tuple[Cell, ...]:
    person = mark.person
    return (
        course.assignment,
        utc_text(course.due),
        utc_text(mark.submitted_at),
        mark.student,
        person.last_name,
        person.first_name,
        person.email,
        mark.earned,
        mark.late_points,
        mark.points,
        mark.out_of,
    )


NBGRADER = Format("nbgrader", "nbgrader", write)
