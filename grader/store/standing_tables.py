"""Tables of the standing: what the history comes to, kept beside it so that a page need not work it out.

They change, no seal covers them, and nothing is decided by them: `grader db reproject` writes them again from
the history, and `grader audit` tells where they differ from it.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["BlockRow", "CountRow", "CriterionRow", "LayoutRow", "PolicyRow", "StandingRow"]


class StandingRow(Base):
    """Where a student's work on an assignment stands.

    Attributes:
        attempt, verdict: Numbers of the rows that count; None where there is none yet.
        outcome: Of the attempt; empty before the first.
        state: ``dropped``, ``not_run``, ``not_judged``, ``unreadable``, ``held``, ``waiting`` or ``settled``.
        counted: 1 where it has a mark and is not dropped, else 0.
        layout: Names the criteria and their points, by which `packed` is laid out; empty where that is.
        packed: The mark, as `grader.grading.what_if` reads it, in hex.
        block: Of a `BlockRow`.
        late_points: What handing in late took off, as a positive number.
        waiting, marked: Criteria that wait for a person, and that a person decided.
        requests: Open remark requests.
    """

    __tablename__ = "standing"
    __table_args__ = (
        Index(None, "assignment", "counted", "out_of", "points"),
        Index(None, "assignment", "block", "student"),
        {"sqlite_strict": True},
    )

    assignment: Mapped[str] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int | None]
    verdict: Mapped[int | None]
    outcome: Mapped[str]
    state: Mapped[str]
    counted: Mapped[int]
    points: Mapped[float]
    out_of: Mapped[float]
    pending: Mapped[float]
    late_points: Mapped[float]
    waiting: Mapped[int]
    marked: Mapped[int]
    requests: Mapped[int]
    layout: Mapped[str] = mapped_column(Text)
    packed: Mapped[str] = mapped_column(Text)
    block: Mapped[int]


class CriterionRow(Base):
    """Where one criterion of a student's work stands.

    Attributes:
        place: From 0, in the verdict's order.
        status: Of the finding, whoever decided.
        waits: 1 where points wait for a person, 2 where a person's mark answers an earlier file, else 0.
        mark: Number of the mark by a person that counts; None where none does.
        alike: Equal for findings that a person would decide in the same way.
    """

    __tablename__ = "standing_criteria"
    __table_args__ = (
        Index(None, "assignment", "criterion", "waits", "alike", "student"),
        {"sqlite_strict": True},
    )

    assignment: Mapped[str] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    points: Mapped[float]
    out_of: Mapped[float]
    pending: Mapped[float]
    waits: Mapped[int]
    mark: Mapped[int | None]
    alike: Mapped[str] = mapped_column(Text)


class CountRow(Base):
    """How many students of an assignment something is true of; what a person dropped is left out.

    Attributes:
        criterion: Empty for the work as a whole.
        what: A state or status, ``waits``, ``marked``, or ``all``.
    """

    __tablename__ = "standing_counts"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class LayoutRow(Base):
    """How marks are packed: criteria in their order, each with its points, as JSON that `layout` digests."""

    __tablename__ = "standing_layouts"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    layout: Mapped[str] = mapped_column(Text, primary_key=True)
    criteria: Mapped[str]


class BlockRow(Base):
    """The packed marks of some students, one after another, so that a class is read in few rows.

    Attributes:
        block: A student's is given by their name, so that a mark writes one block again.
    """

    __tablename__ = "standing_blocks"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    layout: Mapped[str] = mapped_column(Text, primary_key=True)
    marks: Mapped[bytes] = mapped_column(LargeBinary)


class PolicyRow(Base):
    """What an assignment's newest verdict says of lateness, as JSON; late tokens of others hang on it."""

    __tablename__ = "standing_policies"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    late: Mapped[str]
