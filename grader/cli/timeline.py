"""Rows of the history in words."""

from __future__ import annotations

from grader.cli.console import number
from grader.store.history import TimelineEntry
from grader.store.models import AttemptRow, MarkRow, RemarkActionRow, RemarkRow, SubmissionRow, VerdictRow

__all__ = ["describe"]

_SHORT = 12


def describe(entry: TimelineEntry) -> str:
    """What one row of the history says."""
    match entry.row:
        case SubmissionRow() as row:
            return f"handed in {row.path} ({row.notebook[:_SHORT]}){', late' if row.late else ''}"
        case AttemptRow() as row:
            return f"attempt {row.number}: {row.outcome}, evidence {row.evidence[:_SHORT]}"
        case VerdictRow() as row:
            pending = f", {number(row.pending)} pending" if row.pending else ""
            return (
                f"verdict: {number(row.points)} of {number(row.out_of)}{pending}, by rubric row {row.rubric}"
            )
        case MarkRow() as row:
            given = "mark taken back" if row.points is None else f"{number(row.points)} points"
            return f"{row.criterion}: {given}: {row.comment}"
        case RemarkRow() as row:
            return f"remark request {row.seq} on {row.criterion or 'the sum'}: {row.reason}"
        case RemarkActionRow() as row:
            points = "" if row.points is None else f" {number(row.points)} points"
            return (
                f"remark request {row.request}: {row.action}{points}{': ' if row.reason else ''}{row.reason}"
            )
        case _:
            return entry.seal.kind
