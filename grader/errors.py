"""Every error that the service raises on purpose, and whose fault it is.

GraderError
├── UsageError             the person at the keyboard: exit code 2
│   ├── RubricError        a rubric file; collects every problem with its line
│   ├── CourseCodeError    a function of the course's own that raised, or gave nothing usable
│   ├── DataError          the data folder lacks what a rubric asks for
│   ├── IntakeError        a folder or archive of submissions that cannot be read
│   └── RefusedError       a step that the state of a mark or remark request forbids
│       └── OvertakenError a mark whose author had something else on screen than what stands
├── SubmissionError        the student's file: an INVALID_SUBMISSION row, never a stop
└── ServiceError           the service itself: exit code 1, never costs a student points
    ├── EvidenceError      bytes that are not evidence, or lie about their size
    └── SetUpError         what the service stands on; where it stops a command: exit code 2
        ├── SandboxUnavailable no engine, no image, or a container that failed us
        ├── ImageError         the image could not be built
        └── StoreError         the database is damaged, full or newer than this version
            ├── StoreUnavailable it is locked or does not answer: asked again, it may
            │   └── EvidenceUnavailable so the object store with the evidence
            ├── LetGoError a file that the course kept for as long as it said, and no longer
            └── DamagedRow a value that no version of the grader writes
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

__all__ = [
    "CourseCodeError",
    "DamagedRow",
    "DataError",
    "EvidenceError",
    "EvidenceUnavailable",
    "Fault",
    "GraderError",
    "ImageError",
    "IntakeError",
    "LetGoError",
    "NotRunYet",
    "OvertakenError",
    "RefusedError",
    "RubricError",
    "SandboxUnavailable",
    "ServiceError",
    "SetUpError",
    "StoreError",
    "StoreUnavailable",
    "SubmissionError",
    "UsageError",
]


class Fault(StrEnum):
    """Who has to act on an error."""

    USER = "user"
    SUBMISSION = "submission"
    SERVICE = "service"


class GraderError(Exception):
    """An error that says what, where, expected, found and what to do.

    Args:
        what: One sentence on what went wrong.
        where: File, line or cell.
        expected: What would have been right.
        found: What was there instead.
        todo: The next step for the reader.
    """

    fault: ClassVar[Fault] = Fault.SERVICE

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        todo: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.found = found
        self.todo = todo

    @property
    def exit_code(self) -> int:
        """2 where nothing goes on until the person at the keyboard mends something, else 1."""
        return 2 if self.fault is Fault.USER else 1

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        details = (("expected", self.expected), ("found", self.found), ("to do", self.todo))
        lines += [f"  {label}: {text}" for label, text in details if text]
        return "\n".join(lines)


class UsageError(GraderError):
    fault = Fault.USER


class RubricError(UsageError):
    """One or more problems in a rubric file.

    Args:
        problems: Each problem as one line, with file and line number in front.
    """

    def __init__(self, problems: list[str], *, where: str | None = None, todo: str | None = None) -> None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"the rubric has {count}:\n" + "\n".join(problems), where=where, todo=todo)
        self.problems = problems


class CourseCodeError(UsageError):
    pass


class DataError(UsageError):
    pass


class IntakeError(UsageError):
    pass


class RefusedError(UsageError):
    pass


class NotRunYet(RefusedError):
    """What is asked for stands on a file that waits for its run."""


class OvertakenError(RefusedError):
    """Somebody else, or a new verdict, came between what was looked at and the mark.

    Attributes:
        seen: What the author had on screen, in words; empty where they did not say.
        stands: What stands, who gave it and when, in words.
        now: What to name as seen to mark it all the same, as ``--seen`` takes it.
    """

    def __init__(self, what: str, *, seen: str, stands: str, now: str) -> None:
        todo = f"look at what stands; to mark it all the same: --seen {now} (in a table, the column seen)"
        expected = f"as seen: {seen}" if seen else "--seen, with what you had before you"
        super().__init__(what, expected=expected, found=f"stands: {stands}", todo=todo)
        self.seen = seen
        self.stands = stands
        self.now = now


class SubmissionError(GraderError):
    fault = Fault.SUBMISSION


class ServiceError(GraderError):
    fault = Fault.SERVICE


class EvidenceError(ServiceError):
    pass


class SetUpError(ServiceError):
    """Nothing was graded, and nobody lost points; somebody has to mend the machine before the next try."""

    @property
    def exit_code(self) -> int:
        return 2


class SandboxUnavailable(SetUpError):
    pass


class ImageError(SetUpError):
    pass


class StoreError(SetUpError):
    pass


class StoreUnavailable(StoreError):
    """Nothing was done, or nobody knows whether it was; the same may be asked again after a while.

    Attributes:
        away: What does not answer, in words.
    """

    away: ClassVar[str] = "the database"


class EvidenceUnavailable(StoreUnavailable):
    away = "the place of evidence"


class LetGoError(StoreError):
    """What the course let go of comes back from nowhere; marks that stood on it stand.

    Attributes:
        at: When it was let go of (UTC).
    """

    def __init__(self, what: str, *, at: datetime, **details: str) -> None:
        super().__init__(what, **details)
        self.at = at


class DamagedRow(StoreError):
    """A value in the database that no version of the grader writes; its message may show what stood there."""
