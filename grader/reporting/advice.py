"""What a student reads whose file could not be taken: what came, and how to hand in so that it is graded."""

from __future__ import annotations

from datetime import datetime, tzinfo

from grader.grading.held import parted
from grader.grading.times import date_in_words
from grader.reporting.model import ReportInput
from grader.rubric.model import LatePolicy

__all__ = ["advice"]

_HOW = (
    "save the notebook in Colab (File, Download, Download .ipynb) or Jupyter (File, Download), open the saved"
    " file once to see that it is whole, and hand in that one file, not packed"
)


def advice(report: ReportInput) -> tuple[tuple[str, str], ...]:
    """Five lines, each with a label."""
    what, todo = parted(report.result_detail)
    name = f"{report.file}: " if report.file else ""
    return (
        ("What came", f"{name}{what or 'a file that is no notebook'}"),
        (
            "What was expected",
            f"one Jupyter notebook (.ipynb), made from the handout: {report.rubric.title}",
        ),
        ("How to hand in", todo or _HOW),
        ("By when", _by_when(report.rubric.late, report.zone)),
        ("Whom to ask", report.contact or "your TA or instructor"),
    )


def _by_when(policy: LatePolicy | None, zone: tzinfo | None) -> str:
    if policy is None:
        return "ask the course; what comes soon is looked at soon"
    due = f"due {_shown(policy.due, zone)}"
    if policy.until is None:
        return f"{due}; what comes later counts as late"
    return f"{due}; late work counts until {_shown(policy.until, zone)}"


def _shown(moment: datetime, zone: tzinfo | None) -> str:
    """In the course's zone, or else in that in which the rubric gives it."""
    return date_in_words(moment, zone or moment.tzinfo)
