"""`results.json`, by which an autograder tells Gradescope what a submission got; one file for each.

Source: Gradescope's autograder documentation, "Autograder Specifications", output format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grader.exports.model import Course, CriterionLine, Export, Format, StudentMark

__all__ = ["GRADESCOPE"]


def write(course: Course, marks: Sequence[StudentMark]) -> Export:
    """A results file for each student, by student."""
    files = {mark.student: _json(_results(course, mark)) for mark in marks}
    return Export(files, tuple(files))


def _json(results: dict[str, Any]) -> bytes:
    return (json.dumps(results, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def _results(course: Course, mark: StudentMark) -> dict[str, Any]:
    """All text is plain text: nothing of the student's is ever taken for markup."""
    return {
        "score": mark.points,
        "execution_time": round(mark.wall_time_s, 1),
        "output": _overall(mark),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"assignment": course.assignment, "out_of": mark.out_of, "pending": mark.pending},
        "tests": [_test(number, line) for number, line in enumerate(mark.criteria, start=1)],
    }


def _overall(mark: StudentMark) -> str:
    lines = [f"{mark.points:g} of {mark.out_of:g} points"]
    if mark.late_why:
        lines.append(f"Late: {0 - mark.late_points:g} points. {mark.late_why}")
    if mark.pending:
        lines.append(f"{mark.pending:g} points wait for a TA; the score can still rise.")
    return "\n".join(lines)


def _test(number: int, line: CriterionLine) -> dict[str, Any]:
    """What waits has no score, since Gradescope would show it as failed; nor has advice without points."""
    shown = {
        "name": line.title,
        "number": str(number),
        "output": line.message,
        "visibility": "visible",
        "extra_data": {"criterion": line.id},
    }
    if line.pending:
        so_far = f"{line.points:g} of {line.out_of:g} points so far; a TA decides the rest."
        return {**shown, "output": "\n".join(filter(None, (line.message, so_far)))}
    if not line.out_of:
        return {**shown, **_STATUS_WITHOUT_POINTS.get(line.tone, {})}
    status = "passed" if line.points >= line.out_of else "failed"
    return {**shown, "score": line.points, "max_score": line.out_of, "status": status}


#: By tone, since 0 of 0 points say nothing; none where a TA looks.
_STATUS_WITHOUT_POINTS = {
    "good": {"status": "passed"},
    "part": {"status": "failed"},
    "bad": {"status": "failed"},
}

GRADESCOPE = Format("gradescope", "Gradescope", write)
