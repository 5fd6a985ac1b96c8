"""What intake finds: one submission for each student, and what could not be taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.intake.beside import Beside

__all__ = ["Intake", "Submission"]


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's notebook, not yet opened.

    Attributes:
        student: Normalised id, stored literally and never used as a path.
        path: Where the notebook lies, for messages; a path into an archive begins with the archive's.
        read: Gives the file's bytes; raises SubmissionError where it cannot be read.
        submitted_at: When it was handed in, where the format says so; with a time zone.
        late: The format marks it as late.
        problem: Why there is nothing to run, for a row of its own; None where there is.
        notes: What a TA should know, one line each.
        name: The student's name where the format gives one, else empty.
        beside: Gives the files that were handed in with the notebook.
    """

    student: str
    path: Path
    read: Callable[[], bytes]
    submitted_at: datetime | None = None
    late: bool = False
    problem: str | None = None
    notes: tuple[str, ...] = ()
    name: str = ""
    beside: Callable[[], Beside] = Beside


@dataclass(frozen=True)
class Intake:
    """All submissions of a folder or archive, ordered by student.

    Attributes:
        format: Name of the layout that was recognised or asked for.
        problems: Files that belong to no student, look-alike ids; one line each.
    """

    submissions: tuple[Submission, ...]
    format: str
    problems: tuple[str, ...] = ()
