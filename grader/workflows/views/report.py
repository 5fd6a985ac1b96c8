"""`grader report`: a feedback report for each student."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import EvidenceError, RubricError, StoreError
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.files.named import write_text
from grader.grading.earlier import completed
from grader.grading.remarks import is_late
from grader.grading.requests import Action
from grader.intake.roster import Roster
from grader.reporting import RemarkNote, ReportInput, render_report
from grader.store import Store
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.workflows.views.people import shown_name

__all__ = [
    "NO_REFERENCE",
    "NotWritten",
    "Written",
    "file_name",
    "report_input",
    "write_reports",
]

NO_REFERENCE = Reference()

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Written:
    """A report that was written.

    Attributes:
        outdated: The reference answers are not those that the verdict stands on, and were left out.
    """

    path: Path
    outdated: bool = False


@dataclass(frozen=True)
class NotWritten:
    """A student without a report, and why."""

    student: str
    why: str


def write_reports(
    store: Store,
    results: Sequence[Result],
    folder: Path,
    *,
    reference: Reference = NO_REFERENCE,
    appendix: bool = True,
    roster: Roster | None = None,
    contact: str | None = None,
) -> Iterator[Written | NotWritten]:
    """Writes a report for each result that has a verdict, naming each once it is written.

    Args:
        store: Where evidence lies.
        results: Whose.
        folder: Made where it is missing.
        reference: Networks to show beside the students'.
        appendix: Whether the executed notebooks are appended.
        roster: Tells names.
        contact: Whom a student can ask.

    Yields:
        One for each student, also where no report can be written: what is wrong with one student's evidence
        leaves nobody else without feedback.

    Raises:
        UsageError: The folder cannot be written.
    """
    taken: set[str] = set()
    for result in results:
        try:
            report = report_input(store, result, reference=reference, appendix=appendix)
        except (StoreError, EvidenceError, RubricError) as error:
            yield NotWritten(result.student, str(error))
            continue
        if report is None:
            yield NotWritten(result.student, _why_none(result))
            continue
        path = folder / file_name(result.student, taken)
        named = replace(report, name=shown_name(roster, result), contact=contact or "")
        write_text(path, render_report(named))
        yield Written(path, outdated=report.reference.digest != reference.digest)


def _why_none(result: Result) -> str:
    if result.unreadable is not None:
        return f"its verdict, row {result.unreadable}, cannot be read; `grader regrade` judges again"
    return "not judged yet; `grader run` goes on with it"


def report_input(
    store: Store, result: Result, *, reference: Reference = NO_REFERENCE, appendix: bool = True
) -> ReportInput | None:
    """All that a report shows; None where there is no verdict yet.

    A reference other than the one that the verdict stands on is left out, since it could contradict it.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    attempt, verdict = result.attempt, result.verdict
    if attempt is None or verdict is None or result.rubric is None:
        return None
    bundle, loaded, now = store.evidence(attempt), store.rubric(result.rubric), store.clock()
    shown = reference if verdict.reference == reference.digest else NO_REFERENCE
    with store.reading() as history:
        asked = history.remarks(assignment=result.assignment, student=result.student)
    return ReportInput(
        student=result.student,
        rubric=loaded.rubric,
        mark=result.mark_by(completed(verdict, loaded.rubric, bundle, shown)),
        bundle=bundle,
        outcome=Outcome(attempt.outcome),
        outcome_detail=attempt.detail,
        file=Path(result.submission.path).name,
        attempt=attempt.number,
        reference=shown,
        remarks_over=is_late(loaded.rubric.remarks, now),
        appendix=appendix,
        made_at=now,
        unchanged=loaded.given_cells(bundle.evidence.cells),
        remarks=tuple(map(_note, asked)),
        decisions=result.decisions,
    )


def _note(remark: Remark) -> RemarkNote:
    rejected = [step.reason for step in remark.steps if step.action is Action.REJECT]
    return RemarkNote(
        remark.id,
        remark.criterion,
        remark.state,
        remark.opened_at,
        remark.reason,
        remark.points_before,
        answer=rejected[-1] if rejected else "",
    )


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
