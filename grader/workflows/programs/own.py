"""A student's own mark as plain data: as of the release, in the words of their own page, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors import LetGoError
from grader.facts.case import Reference
from grader.grading.marks import CriterionMark
from grader.reporting.findings import view
from grader.store import Store
from grader.workflows.own_work.feedback import feedback_of, report_of
from grader.workflows.views.report import NO_REFERENCE

__all__ = ["OwnLine", "own_lines"]


@dataclass(frozen=True)
class OwnLine:
    """One criterion, as its student is shown it.

    Attributes:
        status: The finding's, or MARKED where a person decided.
        message: What was found; empty while the rubric keeps it back, or once the recording is gone.
        comment: What a person wrote to their points.
    """

    id: str
    title: str
    status: str
    points: float
    out_of: float
    pending: float
    message: str
    comment: str


def own_lines(
    store: Store, assignment: str, student: str, *, reference: Reference = NO_REFERENCE
) -> list[OwnLine]:
    """What is shown of each criterion; none where nothing is.

    Raises:
        StoreError: The evidence was changed, or its place does not answer.
    """
    found = feedback_of(store, assignment, student)
    mark = found.shown.result.mark if found else None
    if found is None or mark is None:
        return []
    try:
        report = report_of(store, found, reference)
    except LetGoError:
        # Marks outlive the recording that they stand on.
        return [_line(each, "") for each in mark.criteria]
    return [_line(each, view(report, each).message) for each in mark.criteria]


def _line(mark: CriterionMark, message: str) -> OwnLine:
    return OwnLine(
        id=mark.criterion,
        title=mark.finding.title,
        status=mark.status,
        points=mark.points,
        out_of=mark.out_of,
        pending=mark.pending,
        message=message,
        comment=mark.decision.why if mark.decision else "",
    )
