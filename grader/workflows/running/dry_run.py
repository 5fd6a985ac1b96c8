"""`grader intake`: what a run would take from a folder of submissions; nothing is run or written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.evidence.record import CellRecord
from grader.intake import Intake
from grader.intake.roster import Roster, RosterEntry
from grader.workflows.running.planning import File, read_file

__all__ = ["DryRun", "Found", "dry_run"]

#: Gives a notebook's assignment, empty where it cannot be told; and what is odd about that, if anything.
AssignmentOf = Callable[[Sequence[CellRecord]], tuple[str, str]]


@dataclass(frozen=True)
class Found:
    """One submission as intake finds it.

    Attributes:
        assignment: Empty where it cannot be told.
        file: Below the folder or archive, where it lies there.
        problem: Why it cannot be run, empty where it can.
        notes: What a TA should know.
    """

    student: str
    name: str
    assignment: str
    file: str
    submitted_at: datetime | None
    late: bool
    problem: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DryRun:
    """What intake finds.

    Attributes:
        format: Name of the layout.
        problems: Files of nobody, ids that look alike or that two students share.
        absent: Students of the roster who handed in nothing.
    """

    found: tuple[Found, ...]
    format: str
    problems: tuple[str, ...]
    absent: tuple[RosterEntry, ...] = ()


def dry_run(intake: Intake, base: Path, assignment_of: AssignmentOf, roster: Roster | None = None) -> DryRun:
    """Opens every notebook and says who handed in what, when, and what is wrong.

    Args:
        intake: What was found.
        base: The folder or archive, for shorter paths.
        assignment_of: Tells assignments apart.
        roster: Who is in the course.
    """
    entries = [roster.find(each.student, each.name) if roster else None for each in intake.submissions]
    found = tuple(
        _found(read_file(submission), base, assignment_of, entry, known=entry is not None or roster is None)
        for submission, entry in zip(intake.submissions, entries, strict=True)
    )
    if roster is None:
        return DryRun(found, intake.format, intake.problems)
    absent = tuple(roster.without_submission(entries))
    return DryRun(found, intake.format, (*intake.problems, *roster.problems), absent)


def _found(
    file: File, base: Path, assignment_of: AssignmentOf, entry: RosterEntry | None, *, known: bool
) -> Found:
    submission = file.submission
    assignment, odd = assignment_of(file.cells) if file.cells else ("", "")
    strange = tuple(note for note in ("" if known else "not on the roster", odd) if note)
    return Found(
        student=submission.student,
        name=entry.name if entry and entry.name else submission.name,
        assignment=assignment,
        file=_below(submission.path, base),
        submitted_at=submission.submitted_at,
        late=submission.late,
        problem=file.problem,
        notes=(*submission.notes, *strange),
    )


def _below(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) and path != base else str(path)
