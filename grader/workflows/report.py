"""`grader report`: a feedback report for each student."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.evidence.codec import decode
from grader.evidence.record import Outcome
from grader.reporting import Adjustment, Decision, ReportInput, write_report
from grader.store import Store
from grader.store.history import Result
from grader.workflows.rubrics import recall_rubric

__all__ = ["file_name", "report_input", "shown_decisions", "shown_lateness", "write_reports"]

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def write_reports(store: Store, results: Sequence[Result], folder: Path) -> Iterator[Path]:
    """Writes a report for each result that has a verdict, giving each path once it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for result in results:
        report = report_input(store, result)
        if report is not None:
            path = folder / file_name(result.student, taken)
            write_report(path, report)
            yield path


def report_input(store: Store, result: Result) -> ReportInput | None:
    """All that a report shows; None where there is no verdict yet.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    attempt, verdict = result.attempt, result.verdict
    if attempt is None or verdict is None or result.rubric is None:
        return None
    raw = store.blobs.get(attempt.evidence)
    return ReportInput(
        student=result.student,
        rubric=recall_rubric(result.rubric).rubric,
        verdict=verdict,
        bundle=decode(raw, limit_bytes=len(raw)),
        outcome=Outcome(attempt.outcome),
        outcome_detail=attempt.detail,
        file=Path(result.submission.path).name,
        attempt=attempt.number,
        decisions=shown_decisions(result),
        adjustments=shown_lateness(result),
        made_at=store.clock(),
    )


def shown_decisions(result: Result) -> dict[str, Decision]:
    """Decisions that stand, as a report shows them; who decided is the course's business."""
    criteria = result.mark.criteria if result.mark else ()
    return {
        item.criterion: Decision(points=item.points, why=item.decision.why, at=item.decision.at)
        for item in criteria
        if item.decision is not None
    }


def shown_lateness(result: Result) -> tuple[Adjustment, ...]:
    """The mark's line for handing in late, where there is one."""
    line = result.mark.late if result.mark else None
    return (Adjustment("Late", 0 - line.points, line.why),) if line else ()


def file_name(student: str, taken: set[str], suffix: str = ".html") -> str:
    """A name for the student's file: the id where it is plain, else a digest of it, never a path.

    Args:
        student: As handed in, any text.
        taken: Names in use, in lower case, for file systems that do not tell cases apart; added to.
        suffix: With its dot.
    """
    if _PLAIN_ID.fullmatch(student) and student.lower() not in taken:
        taken.add(student.lower())
        return f"{student}{suffix}"
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()
    return f"student-{digest[:16]}{suffix}"
