"""A student's own feedback: the report as of the release, how the mark came about, and what may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo

from markupsafe import Markup

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.reporting import ReportInput, render_report
from grader.reporting.appendix import appendix
from grader.rubric.model import Policy
from grader.store import History, Store
from grader.store.results import Result
from grader.workflows.marking.remark import policy_of
from grader.workflows.releasing.shown import Shown, release_on, shown_work
from grader.workflows.views.identity import names_of
from grader.workflows.views.report import NO_REFERENCE, report_input

__all__ = ["Feedback", "Moment", "end_of_day", "feedback_of", "own_notebook", "own_report", "rules_for"]


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
        moments: How the mark came to be what it is, oldest first.
        rules: For remark requests.
        newer_file: Whether they handed in another file since the release, which is not in this mark.
        on: The day whose mark it is; None for today's.
    """

    title: str
    shown: Shown
    report: ReportInput
    moments: tuple[Moment, ...]
    rules: Policy
    newer_file: bool
    on: date | None


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


def feedback_of(
    store: Store, assignment: str, student: str, *, on: str = "", reference: Reference = NO_REFERENCE
) -> Feedback | None:
    """All that a student's page shows of one work; None where nothing is shown, now or on that day.

    Args:
        store: Where it is.
        assignment: Which work.
        student: Whose, by id.
        on: A day, as ``2026-11-01``; empty for today.
        reference: Networks to show beside the student's.

    Raises:
        UsageError: It is no day.
        StoreError: The evidence is gone or was changed.
    """
    day = end_of_day(on, store.zone)
    with store.reading() as history:
        shown = shown_work(history, assignment, student, on=day[1] if day else None)
        if shown is None:
            return None
        moments = _moments(history, assignment, student, shown, until=day[1] if day else None)
        live = _newest(history, assignment, student)
        names = names_of(history, [student])
    rules = rules_for(store, live)
    report = report_input(
        store, shown.result, reference=reference, appendix=False, remarks=shown.requests, rules=rules
    )
    if report is None:
        return None
    return Feedback(
        title=report.rubric.title,
        shown=shown,
        report=replace(report, name=names.get(student, ""), made_at=None),
        moments=moments,
        rules=rules,
        newer_file=live.submission.standing != shown.result.submission.standing,
        on=day[0] if day else None,
    )


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


def own_report(
    store: Store, assignment: str, student: str, *, reference: Reference = NO_REFERENCE
) -> str | None:
    """The feedback report as one file, as of the release; None where nothing is shown.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    found = feedback_of(store, assignment, student, reference=reference)
    if found is None:
        return None
    return render_report(replace(found.report, appendix=True, made_at=found.shown.release.at))


def own_notebook(store: Store, assignment: str, student: str) -> Markup | None:
    """The notebook whose mark is shown, as it ran; None where nothing is shown.

    Raises:
        StoreError: The evidence is gone or was changed.
    """
    with store.reading() as history:
        shown = shown_work(history, assignment, student)
    if shown is None or shown.result.attempt is None:
        return None
    return appendix(store.evidence(shown.result.attempt).evidence.cells)
