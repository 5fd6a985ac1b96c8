"""Tables of groups, whose members hand in one notebook together; sealed like marks."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Entry
from grader.store.types import StudentNames

__all__ = ["GroupFileRow", "GroupRow"]


class GroupRow(Entry):
    """Who hands in an assignment together from now on; the newest row of a group holds.

    Attributes:
        name: Of the group, in the course's words.
        members: All of them; none where the group ends.
        reason: Why, or where it came from.
    """

    __tablename__ = "groups"
    __table_args__ = (Index(None, "assignment", "seq"), {"sqlite_strict": True})

    assignment: Mapped[str]
    name: Mapped[str]
    members: Mapped[tuple[str, ...]] = mapped_column(StudentNames)
    reason: Mapped[str]


class GroupFileRow(Entry):
    """For whom a file counts that a member of a group handed in; it stays so whatever the group becomes.

    Attributes:
        notebook: SHA-256 of the file, as `SubmissionRow` names it.
        members: For whom it counts; who handed it in is in the seal.
    """

    __tablename__ = "group_files"
    __table_args__ = (Index(None, "assignment", "notebook", "seq"), {"sqlite_strict": True})

    assignment: Mapped[str]
    notebook: Mapped[str]
    name: Mapped[str]
    members: Mapped[tuple[str, ...]] = mapped_column(StudentNames)
