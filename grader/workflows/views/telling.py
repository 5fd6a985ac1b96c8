"""The history of a student's work in words, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.grading.changes import CriterionStanding, compare
from grader.grading.marks import mark_of
from grader.grading.seen import Seen
from grader.grading.times import in_words
from grader.grading.verdict import Verdict
from grader.store.allowances import ExcuseRecord, ExtensionRecord
from grader.store.drops import DropRecord
from grader.store.flags import FlagRecord
from grader.store.hand_ins import HandInRecord
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.pauses import QueueOrder
from grader.store.records import AttemptRecord, SubmissionRecord, VerdictRecord
from grader.store.releases import ReleaseRecord
from grader.store.remarks import RemarkRecord, StepRecord
from grader.store.timeline import TimelineEntry

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


def _standing(mark: CriterionStanding | None) -> str:
    return f"{mark.found.value} {mark.points:g} of {mark.out_of:g}" if mark else "not there"


def _describe(entry: TimelineEntry, *, hidden: bool) -> str:
    """What one row of the history says."""
    match entry.record:
        case SubmissionRecord() as file:
            return _handed_in(file, hidden=hidden)
        case HandInRecord() as received:
            return _received(received, hidden=hidden)
        case AttemptRecord() as attempt:
            return f"attempt {attempt.number}: {attempt.outcome}, evidence {attempt.evidence[:_SHORT]}"
        case VerdictRecord() as judged:
            return _judged(judged)
        case MarkRecord() | BulkMarkRecord() as mark:
            return _given(mark)
        case FlagRecord() as flag:
            what = "flagged for the head TA" if flag.raised else "flag settled"
            return f"{flag.criterion}: {what}: {flag.note}"
        case RemarkRecord() | StepRecord() | ReleaseRecord():
            return _of_a_request(entry.record, entry.seal.seq)
        case QueueOrder(reason=reason):
            return f"run again: {reason}"
        case DropRecord() | ExtensionRecord() | ExcuseRecord() as settled:
            return _settled(settled)
        case _:
            return entry.seal.kind


def _settled(record: DropRecord | ExtensionRecord | ExcuseRecord) -> str:
    """What the course settled for one student."""
    if isinstance(record, DropRecord):
        return f"{'dropped' if record.dropped else 'brought back'}: {record.reason}"
    if isinstance(record, ExcuseRecord):
        return f"{'excused' if record.excused else 'no longer excused'}: {record.reason}"
    until = "as for all" if record.until is None else in_words(record.until)
    return f"may hand in until {until}: {record.reason}"


def _of_a_request(record: RemarkRecord | StepRecord | ReleaseRecord, seq: int) -> str:
    match record:
        case RemarkRecord():
            return f"remark request {seq} on {record.criterion or 'the sum'}: {record.reason}"
        case StepRecord():
            return _done(record)
        case ReleaseRecord():
            return f"remark request {record.request}: the answer is shown to the student"


def _given(mark: MarkRecord | BulkMarkRecord) -> str:
    given = "mark taken back" if mark.points is None else f"{mark.points:g} points"
    if mark.undoes is not None:
        given = f"row {mark.undoes} undone"
    others = len(mark.about) - 1 if isinstance(mark, BulkMarkRecord) else 0
    alike = f", as to {others} alike" if others else ""
    comment = f": {mark.comment}" if mark.comment else ""
    seen = _seen(mark) if isinstance(mark, MarkRecord) else ""
    return f"{mark.criterion}: {given}{alike}{comment}{seen}"


def _seen(mark: MarkRecord) -> str:
    """The rows that its author had on screen, where they said so."""
    if mark.seen_verdict is None:
        return ""
    return f" (seen: {Seen(mark.seen_verdict, mark.seen_mark)})"


def _handed_in(file: SubmissionRecord, *, hidden: bool) -> str:
    path = "a file" if hidden else file.path
    return f"handed in {path} ({file.notebook[:_SHORT]}){', late' if file.late else ''}"


def _received(file: HandInRecord, *, hidden: bool) -> str:
    name = "a file" if hidden else file.file or "a file"
    after = "" if file.counts else ", when nothing counted any more"
    return f"received {name} by {file.way} ({file.sha256[:_SHORT]}, {file.size} bytes){after}"


def _judged(verdict: VerdictRecord) -> str:
    if verdict.readable is None:
        return "verdict: it cannot be read; `grader audit` tells whether it was changed"
    pending = f", {verdict.pending:g} pending" if verdict.pending else ""
    return f"verdict: {verdict.points:g} of {verdict.out_of:g}{pending}, by rubric row {verdict.rubric}"


def _done(step: StepRecord) -> str:
    points = "" if step.points is None else f" {step.points:g} points"
    reason = f": {step.reason}" if step.reason else ""
    return f"remark request {step.request}: {step.action}{points}{reason}"
