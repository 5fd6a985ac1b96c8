"""Pre-checks while they are needed, and how many a course gives. No part of the history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["PreCheckFileRow", "PreCheckRow", "PreCheckRuleRow"]


class PreCheckRow(Base):
    """One look at a notebook before it is handed in; the row goes when it is no longer needed.

    Attributes:
        job: That runs it.
        came: When its last byte was here.
        file: What the student calls it.
        state: ``waiting``, ``told``, or ``failed`` where it was no fault of the student's.
        told: What may be said of it, as JSON; empty unless told.
        ended: When it was told or failed; None while it waits.
    """

    __tablename__ = "pre_checks"
    __table_args__ = (Index(None, "assignment", "student"), Index(None, "came"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    student: Mapped[str]
    assignment: Mapped[str]
    came: Mapped[datetime]
    file: Mapped[str]
    state: Mapped[str]
    told: Mapped[str]
    ended: Mapped[datetime | None]


class PreCheckFileRow(Base):
    """The bytes of a file that waits to be run.

    They do not lie among the blobs: a student hands in the very file that was looked at, and taking it away
    from there could take away what counts.
    """

    __tablename__ = "pre_check_files"
    __table_args__ = ({"sqlite_strict": True},)

    pre_check: Mapped[int] = mapped_column(ForeignKey("pre_checks.id"), primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class PreCheckRuleRow(Base):
    """How pre-checks are given for an assignment; the row without a name is for all that have none.

    Attributes:
        a_day: How many to a student within 24 hours; 0 for none.
        tells_rest: Whether it is told how many other criteria there are.
    """

    __tablename__ = "pre_check_rules"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    a_day: Mapped[int]
    tells_rest: Mapped[bool]
