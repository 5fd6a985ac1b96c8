"""`grader report`: a feedback report for each student."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from grader.errors import EvidenceError, LetGoError, RubricError, StoreError
from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.files.named import write_text
from grader.grading.earlier import completed
from grader.grading.marks import Mark
from grader.grading.remarks import is_late
from grader.grading.requests import Action
from grader.grading.shown import shown_of
from grader.intake.roster import Roster
from grader.judging.exhibits import Shown
from grader.reporting import RemarkNote, ReportInput, render_report
from grader.rubric.model import Policy
from grader.store import Store
from grader.store.records import AttemptRecord
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric
from grader.workflows.views.people import shown_name

__all__ = [
    "NO_REFERENCE",
    "NotWritten",
    "Rendered",
    "Written",
    "file_name",
    "rendered_reports",
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
class Rendered:
    """A report that was made.

    Attributes:
        title: Of the assignment.
        page: HTML.
        outdated: As of `Written`.
    """

    result: Result
    title: str
    page: str
    outdated: bool

    @property
    def student(self) -> str:
        return self.result.student


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
    made = rendered_reports(
        store, results, reference=reference, appendix=appendix, roster=roster, contact=contact
    )
    for item in made:
        if isinstance(item, NotWritten):
            yield item
            continue
        path = folder / file_name(item.student, taken)
        write_text(path, item.page)
        yield Written(path, item.outdated)


def rendered_reports(
    store: Store,
    results: Sequence[Result],
    *,
    reference: Reference = NO_REFERENCE,
    appendix: bool = True,
    roster: Roster | None = None,
    contact: str | None = None,
    requests: Callable[[str], Sequence[Remark]] | None = None,
) -> Iterator[Rendered | NotWritten]:
    """Makes a report for each result that has a verdict, one at a time.

    Args:
        store: Where evidence lies.
        results: Whose.
        reference: Networks to show beside the students'.
        appendix: Whether the executed notebooks are appended.
        roster: Tells names.
        contact: Whom a student can ask.
        requests: Gives the remark requests that a student's report shows; all where it is None.
    """
    for result in results:
        try:
            report = report_input(store, result, reference=reference, appendix=appendix)
        except (StoreError, EvidenceError, RubricError) as error:
            yield NotWritten(result.student, str(error))
            continue
        if report is None:
            yield NotWritten(result.student, _why_none(result))
            continue
        if requests is not None:
            report = replace(report, remarks=tuple(map(_note, requests(result.student))))
        named = replace(report, name=shown_name(roster, result), contact=contact or "")
        outdated = report.reference.digest != reference.digest
        yield Rendered(result, report.rubric.title, render_report(named), outdated)


def _why_none(result: Result) -> str:
    if result.damaged:
        return f"{result.damaged}; `grader audit` tells more"
    if result.unreadable is not None:
        return f"its verdict, row {result.unreadable}, cannot be read; `grader regrade` judges again"
    return "not judged yet; `grader run` goes on with it"


def report_input(
    store: Store,
    result: Result,
    *,
    reference: Reference = NO_REFERENCE,
    appendix: bool = True,
    remarks: Sequence[Remark] | None = None,
    rules: Policy | None = None,
    remakes: bool = True,
) -> ReportInput | None:
    """All that a report shows; None where there is no verdict yet.

    A reference other than the one that the verdict stands on is left out, since it could contradict it.

    Args:
        store: Where evidence lies.
        result: Whose.
        reference: Networks to show beside the student's.
        appendix: Whether the executed notebook is appended.
        remarks: The student's requests as they may be shown; all that is known of them where it is None.
        rules: The course's for remark requests, where the rubric's are not meant.
        remakes: Whether it says what students can run to see again what cost them points.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    attempt, verdict = result.attempt, result.verdict
    if attempt is None or verdict is None or result.rubric is None:
        return None
    loaded, now = store.rubric(result.rubric), store.clock()
    shown = reference if verdict.reference == reference.digest else NO_REFERENCE
    bundle, let_go = _bundle(store, attempt)
    mark = result.mark_by(verdict if bundle is None else completed(verdict, loaded.rubric, bundle, shown))
    if remarks is None:
        with store.reading() as history:
            remarks = history.remarks(assignment=result.assignment, student=result.student)
    rules = rules or result.remark_rules(loaded.rubric.remarks)
    dates = {"late": result.late_policy(loaded.rubric.late), "remarks": rules}
    return ReportInput(
        student=result.student,
        rubric=loaded.rubric.model_copy(update=dates),
        mark=mark,
        bundle=bundle,
        outcome=Outcome(attempt.outcome),
        outcome_detail=attempt.detail,
        file=Path(result.submission.path).name,
        attempt=attempt.number,
        reference=shown,
        to_run={} if bundle is None or not remakes else _to_run(loaded, bundle, shown, mark),
        remarks_over=is_late(rules, now),
        appendix=appendix,
        made_at=now,
        zone=result.zone,
        unchanged=frozenset() if bundle is None else loaded.given_cells(bundle.evidence.cells),
        let_go=let_go,
        remarks=tuple(map(_note, remarks)),
        decisions=result.decisions,
    )


def _bundle(store: Store, attempt: AttemptRecord) -> tuple[Bundle | None, datetime | None]:
    """What the attempt left; where the course let go of it, when."""
    try:
        return store.evidence(attempt), None
    except LetGoError as error:
        return None, error.at


def _to_run(
    loaded: LoadedRubric, bundle: Bundle, reference: Reference, mark: Mark
) -> Mapping[str, tuple[Shown, ...]]:
    """What students can make again of what cost them points."""
    if loaded.rubric.cells_to_run == "never":
        return {}
    lost = {item.criterion for item in mark.criteria if item.lost > 0}
    return shown_of(loaded.rubric, bundle, reference, loaded.handout, lost)


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
