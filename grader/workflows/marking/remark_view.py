"""`grader remark show`: all that a decision needs, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from grader.errors import LetGoError, StoreError
from grader.grading.marks import CriterionMark, Mark
from grader.grading.remarks import effect_of
from grader.grading.requests import Kind
from grader.grading.times import date_in_words, in_words
from grader.grading.verdict import Finding, Verdict
from grader.rubric.model import Policy
from grader.store import Store
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.records import AttemptRecord, VerdictRecord
from grader.store.remarks import Remark, Step
from grader.store.results import Result
from grader.store.timeline import TimelineEntry
from grader.workflows.marking.marks import graded_result
from grader.workflows.marking.remark import find
from grader.workflows.marking.seen import seen_in
from grader.workflows.views.at_hand import about_criterion, about_evidence
from grader.workflows.views.cells import NamedCells
from grader.workflows.views.show import name_of

__all__ = ["RemarkView", "view_of"]


#: Rows by which a criterion changes.
_TOLD = (AttemptRecord, VerdictRecord, MarkRecord, BulkMarkRecord)


@dataclass(frozen=True)
class RemarkView:
    """A request as labelled texts, in the order in which they are read."""

    parts: tuple[tuple[str, str], ...]


def view_of(store: Store, id: int, *, anonymous: bool = False) -> RemarkView:
    """Gathers request, criterion, evidence, marks and history.

    Args:
        store: Where they are.
        id: The request's number.
        anonymous: Whether the student goes by a pseudonym, also where they acted themselves.

    Raises:
        RefusedError: There is no such request.
        StoreError: The evidence is gone or was changed.
    """
    remark = find(store, id)
    names = _Names(remark.student, name_of(store, anonymous)(remark.student))
    with store.reading() as history:
        result = graded_result(history, remark.student, remark.assignment, with_dropped=True)
        entries = history.timeline(result.student, result.assignment, _TOLD)
    zone = result.zone
    marks = list(_changes(entries, remark.criterion, zone))
    assert result.rubric is not None and result.mark is not None
    rubric = store.rubric(result.rubric).rubric
    asked = next((item for item in rubric.criteria if item.id == remark.criterion), None)
    mark = result.mark.criterion(remark.criterion)
    cells = NamedCells(store, result)
    parts = [
        ("request", _request(remark, names, zone)),
        ("reason", remark.reason),
        *about_criterion(asked),
        *about_evidence(cells, mark),
        *_let_go(store, result),
        ("old mark", _old_mark(remark, *_found_then(store, result, entries, remark, cells))),
        ("mark now", _mark_now(result, mark, remark)),
        *([("seen", f"{seen_in(result, mark)} (for --seen)")] if mark else []),
        *([("addends", _addends(result.mark))] if remark.kind is Kind.COUNTING_ERROR else []),
        *([("marks", "\n".join(marks))] if marks else []),
        (
            "history",
            "\n".join(_step(step, names, zone) for step in remark.steps) or "nobody has looked at it yet",
        ),
        ("policy", _policy(result.remark_rules(rubric.remarks), zone)),
    ]
    return RemarkView(tuple(parts))


@dataclass(frozen=True)
class _Names:
    """What the student of a request is called."""

    student: str
    shown: str

    def of(self, actor: str) -> str:
        return self.shown if actor == self.student else actor


def _request(remark: Remark, names: _Names, zone: tzinfo | None) -> str:
    late = f", taken late: {remark.late_because}" if remark.late_because else ""
    what = remark.criterion or "the sum"
    return (
        f"{remark.id}, {remark.kind.value.replace('_', ' ')} on {what} of {names.shown}, "
        f"{remark.assignment}; {remark.state.value.replace('_', ' ')}; "
        f"opened {in_words(remark.opened_at, zone)} by {names.of(remark.opened_by)}{late}"
    )


def _found_then(
    store: Store, result: Result, entries: Sequence[TimelineEntry], remark: Remark, now: NamedCells
) -> tuple[Finding | None, NamedCells]:
    """What was found when the request was opened, and the cells of the file that it was found in.

    Args:
        store: Where the evidence is.
        result: The work as it stands.
        entries: What happened to it.
        remark: The request.
        now: The cells of the file that counts, which are read once.
    """
    attempts = {
        entry.record.seq: entry.record for entry in entries if isinstance(entry.record, AttemptRecord)
    }
    for record in (entry.record for entry in entries):
        if isinstance(record, VerdictRecord) and record.seq == remark.verdict:
            attempt = attempts.get(record.attempt, result.attempt)
            found = _finding(record.readable, remark.criterion)
            same = attempt is not None and result.attempt is not None and attempt.seq == result.attempt.seq
            return found, now if same else NamedCells(store, replace(result, attempt=attempt))
    return None, now


def _changes(entries: Sequence[TimelineEntry], name: str, zone: tzinfo | None) -> Iterator[str]:
    """All verdicts and marks by which the criterion changed."""
    last = None
    for seal, record in ((entry.seal, entry.record) for entry in entries):
        who = f"{in_words(seal.at, zone)} {seal.actor}"
        if isinstance(record, VerdictRecord):
            found = _finding(record.readable, name)
            if found is not None and (last is None or _standing(found) != _standing(last)):
                yield f"{who}: {found.status.value}, {found.points:g} of {found.out_of:g} by the rubric"
            last = found
        elif isinstance(record, MarkRecord | BulkMarkRecord) and record.criterion == name:
            yield f"{who}: {_given(record)}: {record.comment}"


def _given(mark: MarkRecord | BulkMarkRecord) -> str:
    if mark.undoes is not None:
        return f"row {mark.undoes} undone"
    if isinstance(mark, BulkMarkRecord):
        return f"{mark.points:g} given to {len(mark.about)} alike"
    given = "taken back" if mark.points is None else f"{mark.points:g} given"
    return f"{given} by request {mark.request}" if mark.request else given


def _finding(verdict: Verdict | None, name: str) -> Finding | None:
    if verdict is None:
        return None
    return next((item for item in verdict.findings if item.criterion == name), None)


def _standing(finding: Finding) -> tuple[object, ...]:
    return finding.status, finding.points, finding.out_of


def _let_go(store: Store, result: Result) -> Iterator[tuple[str, str]]:
    """That there is nothing left to judge again, where the course let go of it."""
    if result.attempt is None:
        return
    try:
        store.require_kept(result.attempt.evidence)
    except LetGoError as gone:
        yield "evidence", f"{gone.what}; nothing can be judged again, and what stands here is all there is"
    except StoreError:
        return


def _old_mark(remark: Remark, then: Finding | None, cells: NamedCells) -> str:
    """Points when the request was opened, and what the verdict said of them then."""
    said = f"; {then.status.value}: {cells.text(then.message)}" if then else ""
    return f"{remark.points_before:g} of {remark.out_of:g}{said}"


def _addends(mark: Mark) -> str:
    """Every number of the sum, as the mark has it now."""
    lines = [f"{item.points:>7g}  {item.criterion}" for item in mark.criteria]
    if mark.late is not None:
        lines.append(f"{0 - mark.late.points:>7g}  lateness")
    return "\n".join([*lines, f"{mark.points:>7g}  in all, of {mark.out_of:g}"])


def _mark_now(result: Result, mark: CriterionMark | None, remark: Remark) -> str:
    assert result.mark is not None
    if mark is None and remark.kind is Kind.JUDGEMENT:
        return "none: the rubric has no such criterion any more"
    points = mark.points if mark else result.mark.points
    decided = f" by {mark.decision.by}: {mark.decision.why}" if mark and mark.decision else ""
    return f"{points:g} ({effect_of(remark.points_before, points).value}){decided}"


def _step(step: Step, names: _Names, zone: tzinfo | None) -> str:
    points = "" if step.points is None else f" {step.points:g} points"
    reason = f": {step.reason}" if step.reason else ""
    return f"{in_words(step.at, zone)} {names.of(step.by)}: {step.action.value}{points}{reason}"


def _policy(policy: Policy, zone: tzinfo | None) -> str:
    opens, closes = policy.remarks_open_from, policy.remarks_open_until
    since = f"open from {date_in_words(opens, zone)}; " if opens else ""
    until = f"open until {date_in_words(closes, zone)}; " if closes else ""
    fall = "marks may fall" if policy.marks_may_fall else "marks may not fall"
    another = "; decided by another than who marked" if policy.decided_by_another else ""
    return f"{since}{until}{fall}{another}"
