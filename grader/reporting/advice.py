"""What a student reads whose file could not be taken: what came, and how to hand in so that it is graded."""

from __future__ import annotations

from grader.grading.held import parted
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
        ("By when", _by_when(report.rubric.late)),
        ("Whom to ask", report.contact or "your TA or instructor"),
    )


def _by_when(policy: LatePolicy | None) -> str:
    if policy is None:
        return "ask the course; what comes soon is looked at soon"
    due = f"due {policy.due.isoformat(' ', 'minutes')}"
    if policy.until is None:
        return f"{due}; what comes later counts as late"
    return f"{due}; late work counts until {policy.until.isoformat(' ', 'minutes')}"
