"""Tables of how an assignment is set up: who grades whom, dates, extensions, excuses; sealed like marks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Entry
from grader.store.types import StudentName, StudentNames

__all__ = ["DatesRow", "ExcuseRow", "ExtensionRow", "ShareRow"]


class ShareRow(Entry):
    """Which students of an assignment are one grader's from now on; the newest row of a grader holds.

    Attributes:
        grader: As the history names them.
        students: All of them, not only those that are new; none where the share ends.
        how: How it was made, in a few words.
    """

    __tablename__ = "shares"
    __table_args__ = (
        Index(None, "assignment", "grader", "seq"),
        Index(None, "grader", "seq"),
        {"sqlite_strict": True},
    )

    assignment: Mapped[str]
    grader: Mapped[str]
    students: Mapped[tuple[str, ...]] = mapped_column(StudentNames)
    how: Mapped[str]


class DatesRow(Entry):
    """Dates of an assignment that hold in place of the rubric's; one that is missing is the rubric's."""

    __tablename__ = "dates"
    __table_args__ = (Index(None, "assignment", "seq"), {"sqlite_strict": True})

    assignment: Mapped[str]
    due: Mapped[datetime | None]
    until: Mapped[datetime | None]
    remarks_from: Mapped[datetime | None]
    remarks_until: Mapped[datetime | None]
    reason: Mapped[str]


class ExtensionRow(Entry):
    """Until when one student may hand in without being late; `until` is missing where that is taken back."""

    __tablename__ = "extensions"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    until: Mapped[datetime | None]
    reason: Mapped[str]


class ExcuseRow(Entry):
    """That a student owes no work on an assignment, or owes it again.

    Attributes:
        excused: What holds from this row on.
    """

    __tablename__ = "excuses"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    excused: Mapped[bool]
    reason: Mapped[str]
