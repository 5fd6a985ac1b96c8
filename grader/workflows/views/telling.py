"""The history of a student's work in words, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.grading.changes import compare
from grader.grading.marks import CriterionMark, mark_of
from grader.grading.verdict import Verdict
from grader.store.drops import DropRecord
from grader.store.history import TimelineEntry
from grader.store.marks import MarkRecord
from grader.store.records import AttemptRecord, SubmissionRecord, VerdictRecord
from grader.store.remarks import RemarkRecord, StepRecord

__all__ = ["Told", "tell"]

_SHORT = 12


@dataclass(frozen=True)
class Told:
    """One row of the history as a person reads it.

    Attributes:
        changes: Of a verdict: each criterion that came out otherwise than by the verdict before.
    """

    seq: int
    kind: str
    at: datetime
    who: str
    why: str
    what: str
    changes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "row": self.seq,
            "kind": self.kind,
            "at": self.at.isoformat(),
            "who": self.who,
            "why": self.why,
            "what": self.what,
            "changes": list(self.changes),
        }


def tell(entries: Sequence[TimelineEntry], student: str, shown: str) -> list[Told]:
    """Puts rows into words, oldest first.

    Args:
        entries: All about one student's work.
        student: Whose it is.
        shown: What they are called; a pseudonym also hides the path of their file.
    """
    hidden = shown != student
    before: Verdict | None = None
    told = []
    for entry in entries:
        seal = entry.seal
        changes: tuple[str, ...] = ()
        if isinstance(entry.record, VerdictRecord):
            verdict = entry.record.readable
            changes, before = _changes(before, verdict), verdict or before
        who = shown if seal.actor == student else seal.actor
        what = _describe(entry, hidden=hidden)
        told.append(Told(seal.seq, seal.kind, seal.at, who, seal.why, what, changes))
    return told


def _changes(before: Verdict | None, after: Verdict | None) -> tuple[str, ...]:
    """What the grader's own judgement changed, criterion by criterion; nothing for the first verdict."""
    if before is None or after is None:
        return ()
    return tuple(
        f"{change.criterion}: {_standing(change.before)} -> {_standing(change.after)}"
        for change in compare(mark_of(before, ()), mark_of(after, ()))
    )


def _standing(mark: CriterionMark | None) -> str:
    return f"{mark.finding.status.value} {mark.points:g} of {mark.out_of:g}" if mark else "not there"


def _describe(entry: TimelineEntry, *, hidden: bool) -> str:
    """What one row of the history says."""
    match entry.record:
        case SubmissionRecord() as file:
            return _handed_in(file, hidden=hidden)
        case AttemptRecord() as attempt:
            return f"attempt {attempt.number}: {attempt.outcome}, evidence {attempt.evidence[:_SHORT]}"
        case VerdictRecord() as judged:
            return _judged(judged)
        case MarkRecord() as mark:
            given = "mark taken back" if mark.points is None else f"{mark.points:g} points"
            return f"{mark.criterion}: {given}: {mark.comment}"
        case RemarkRecord() as remark:
            return f"remark request {entry.seal.seq} on {remark.criterion or 'the sum'}: {remark.reason}"
        case StepRecord() as step:
            return _done(step)
        case DropRecord() as drop:
            return f"{'dropped' if drop.dropped else 'brought back'}: {drop.reason}"
        case _:
            return entry.seal.kind


def _handed_in(file: SubmissionRecord, *, hidden: bool) -> str:
    path = "a file" if hidden else file.path
    return f"handed in {path} ({file.notebook[:_SHORT]}){', late' if file.late else ''}"


def _judged(verdict: VerdictRecord) -> str:
    if verdict.readable is None:
        return "verdict: it cannot be read; `grader audit` tells whether it was changed"
    pending = f", {verdict.pending:g} pending" if verdict.pending else ""
    return f"verdict: {verdict.points:g} of {verdict.out_of:g}{pending}, by rubric row {verdict.rubric}"


def _done(step: StepRecord) -> str:
    points = "" if step.points is None else f" {step.points:g} points"
    reason = f": {step.reason}" if step.reason else ""
    return f"remark request {step.request}: {step.action}{points}{reason}"
