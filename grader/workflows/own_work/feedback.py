"""A student's own feedback: the report as of the release, how the mark came about, and what may be asked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import PurePath

from markupsafe import Markup

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.grading.remarks import is_late
from grader.reporting import ReportInput, render_report
from grader.reporting.appendix import appendix
from grader.rubric.model import Policy
from grader.store import History, Store
from grader.store.records import AttemptRecord
from grader.store.results import Result
from grader.workflows.marking.remark import policy_of
from grader.workflows.releasing.shown import Shown, release_on, shown_work
from grader.workflows.views.identity import names_of
from grader.workflows.views.report import NO_REFERENCE, report_input

__all__ = [
    "Feedback",
    "Moment",
    "attempt_shown",
    "drawn_of",
    "end_of_day",
    "feedback_of",
    "notebook_of",
    "report_file",
    "report_of",
    "rules_for",
]


@dataclass(frozen=True)
class Moment:
    """When a student was shown another mark than before.

    Attributes:
        criterion: Of the remark request that was answered; None for a release, empty for one about the sum.
    """

    at: datetime
    points: float
    out_of: float
    pending: float
    criterion: str | None


@dataclass(frozen=True)
class Feedback:
    """What a student is shown of one work.

    Attributes:
        name: Of the student by the roster; empty where it does not say.
        moments: How the mark came to be what it is, oldest first.
        rules: For remark requests.
        newer_file: Whether they handed in another file since the release, which is not in this mark.
        on: The day whose mark it is; None for today's.
    """

    title: str
    shown: Shown
    name: str
    moments: tuple[Moment, ...]
    rules: Policy
    newer_file: bool
    on: date | None

    @property
    def file(self) -> str:
        """What the file was called that was run."""
        return PurePath(self.shown.result.submission.path).name


def end_of_day(text: str, zone: tzinfo | None) -> tuple[date, datetime] | None:
    """A day as an address names it, ``2026-11-01``, and the last moment of it; None for none.

    Raises:
        UsageError: It is no day.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return day, datetime.combine(day, time.max, zone or UTC)
    except (ValueError, OverflowError):
        raise UsageError("this is no day", expected="as 2026-11-01", found=text[:20]) from None


def feedback_of(store: Store, assignment: str, student: str, *, on: str = "") -> Feedback | None:
    """What a student is shown of one work; None where nothing is, now or on that day.

    Args:
        store: Where it is.
        assignment: Which work.
        student: Whose, by id.
        on: A day, as ``2026-11-01``; empty for today.

    Raises:
        UsageError: It is no day.
    """
    day = end_of_day(on, store.zone)
    with store.reading() as history:
        shown = shown_work(history, assignment, student, on=day[1] if day else None)
        if shown is None:
            return None
        moments = _moments(history, assignment, student, shown, until=day[1] if day else None)
        live = _newest(history, assignment, student)
        names = names_of(history, [student])
    if shown.result.attempt is None or shown.result.rubric is None:
        return None
    return Feedback(
        title=store.rubric(shown.result.rubric).rubric.title,
        shown=shown,
        name=names.get(student, ""),
        moments=moments,
        rules=rules_for(store, live),
        newer_file=live.submission.standing != shown.result.submission.standing,
        on=day[0] if day else None,
    )


def report_of(store: Store, found: Feedback, reference: Reference = NO_REFERENCE) -> ReportInput:
    """The report on what is shown.

    Args:
        store: Where the evidence is.
        found: What is shown.
        reference: Networks to show beside the student's.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    result, requests = found.shown.result, found.shown.requests
    report = report_input(
        store, result, reference=reference, appendix=False, remarks=requests, rules=found.rules
    )
    # What is shown has a mark, and so a verdict.
    assert report is not None
    return replace(report, name=found.name, made_at=None)


def drawn_of(store: Store, found: Feedback, reference: Reference = NO_REFERENCE) -> Hashable | None:
    """All that `report_of` reads, by value: where it is equal, so is the report.

    None where the evidence is not there: what the course let go of is shown no longer, though somebody may
    still hold a page that was drawn of it.
    """
    result = found.shown.result
    if result.attempt is None or result.attempt.evidence not in store.blobs:
        return None
    over = is_late(found.rules, store.clock())
    return result, found.shown.requests, found.rules.model_dump_json(), found.name, over, reference.digest


def rules_for(store: Store, live: Result) -> Policy:
    """The course's rules for requests as they are now: a date that was moved holds for everybody."""
    return policy_of(store, live) if live.rubric is not None else Policy()


def _newest(history: History, assignment: str, student: str) -> Result:
    [live] = history.results(assignment=assignment, students=[student], with_dropped=True)
    return live


def _moments(
    history: History, assignment: str, student: str, now: Shown, until: datetime | None
) -> tuple[Moment, ...]:
    """When releases and answers came, each with the mark that was shown from then on: at last `now`."""
    criteria: Mapping[int, str] = {
        remark.id: remark.criterion for remark in history.remarks(assignment=assignment, student=student)
    }
    releases = history.releases(assignment)
    came: list[tuple[datetime, str | None]] = [(each.at, None) for each in releases if each.upto is not None]
    if criteria:
        came += [(each.at, criteria[each.request]) for each in history.answers_shown(list(criteria))]
    found: list[Moment] = []
    newest = max((at for at, _ in came), default=None)
    for at, criterion in sorted(came, key=lambda each: each[0]):
        if (until is not None and at > until) or release_on(releases, at) is None:
            continue
        last = until is None and at == newest
        shown = now if last else shown_work(history, assignment, student, on=at)
        if shown is None or shown.result.mark is None:
            continue
        mark = shown.result.mark
        moment = Moment(at, mark.points, mark.out_of, mark.pending, criterion)
        same = found and replace(found[-1], at=at, criterion=criterion) == moment
        if not same or criterion is not None:
            found.append(moment)
    return tuple(found)


def report_file(store: Store, found: Feedback, reference: Reference = NO_REFERENCE) -> str:
    """The feedback report as one file, as of the release.

    Args:
        store: Where the evidence is.
        found: What is shown.
        reference: Networks to show beside the student's.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    report = report_of(store, found, reference)
    return render_report(replace(report, appendix=True, made_at=found.shown.release.at))


def attempt_shown(store: Store, assignment: str, student: str) -> AttemptRecord | None:
    """The run of the notebook whose mark is shown; None where nothing is shown."""
    with store.reading() as history:
        shown = shown_work(history, assignment, student)
    return None if shown is None else shown.result.attempt


def notebook_of(store: Store, attempt: AttemptRecord) -> Markup:
    """The notebook as it ran.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    return appendix(store.evidence(attempt).evidence.cells)
