"""The history of a student's work in words, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.store.history import TimelineEntry
from grader.store.models import AttemptRow, MarkRow, RemarkActionRow, RemarkRow, SubmissionRow, VerdictRow

__all__ = ["Told", "tell"]

_SHORT = 12


@dataclass(frozen=True)
class Told:
    """One row of the history as a person reads it."""

    seq: int
    kind: str
    at: datetime
    who: str
    why: str
    what: str

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "row": self.seq,
            "kind": self.kind,
            "at": self.at.isoformat(),
            "who": self.who,
            "why": self.why,
            "what": self.what,
        }


def tell(entries: Sequence[TimelineEntry], student: str, shown: str) -> list[Told]:
    """Puts rows into words, oldest first.

    Args:
        entries: All about one student's work.
        student: Whose it is.
        shown: What they are called; a pseudonym also hides the path of their file.
    """
    hidden = shown != student
    told = []
    for entry in entries:
        seal = entry.seal
        who = shown if seal.actor == student else seal.actor
        told.append(Told(seal.seq, seal.kind, seal.at, who, seal.why, _describe(entry, hidden=hidden)))
    return told


def _describe(entry: TimelineEntry, *, hidden: bool) -> str:
    """What one row of the history says."""
    match entry.row:
        case SubmissionRow() as row:
            file = "a file" if hidden else row.path
            return f"handed in {file} ({row.notebook[:_SHORT]}){', late' if row.late else ''}"
        case AttemptRow() as row:
            return f"attempt {row.number}: {row.outcome}, evidence {row.evidence[:_SHORT]}"
        case VerdictRow() as row:
            pending = f", {row.pending:g} pending" if row.pending else ""
            return f"verdict: {row.points:g} of {row.out_of:g}{pending}, by rubric row {row.rubric}"
        case MarkRow() as row:
            given = "mark taken back" if row.points is None else f"{row.points:g} points"
            return f"{row.criterion}: {given}: {row.comment}"
        case RemarkRow() as row:
            return f"remark request {row.seq} on {row.criterion or 'the sum'}: {row.reason}"
        case RemarkActionRow() as row:
            points = "" if row.points is None else f" {row.points:g} points"
            return (
                f"remark request {row.request}: {row.action}{points}{': ' if row.reason else ''}{row.reason}"
            )
        case _:
            return entry.seal.kind
