"""Tables of the desk that no seal covers: what answers look like, who is who, what a rubric may become."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["AnswerRow", "RosterKeyRow", "RosterRow", "RubricDraftRow"]


class AnswerRow(Base):
    """What a student's answer to one criterion looks like, worked out from the evidence to find its like.

    It can be worked out again at any time, and counts for nothing.

    Attributes:
        part: Digest of where the answer was looked for; empty with an empty criterion, which says that the
            attempt was looked at.
        state: As `workflows.desk.likeness` has it.
        prose: What was written in words, without what says nothing.
        code: What was written in code, without comments and the student's own names.
        calls: Names of the functions that the code calls, in order.
        shown: Digest of what the file handed in shows for it; empty for nothing.
    """

    __tablename__ = "answers"
    __table_args__ = ({"sqlite_strict": True},)

    attempt: Mapped[int] = mapped_column(ForeignKey("attempts.seq"), primary_key=True, autoincrement=False)
    part: Mapped[str] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    prose: Mapped[str]
    code: Mapped[str]
    calls: Mapped[str]
    shown: Mapped[str]


class RosterRow(Base):
    """One student of the course by all names; empty where the roster does not say."""

    __tablename__ = "roster"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str]
    name: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    section: Mapped[str]
    number: Mapped[str]
    login: Mapped[str]
    canvas_id: Mapped[str]


class RosterKeyRow(Base):
    """What a person may type to mean somebody of the roster."""

    __tablename__ = "roster_keys"
    __table_args__ = ({"sqlite_strict": True},)

    key: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[int] = mapped_column(ForeignKey("roster.id"), primary_key=True, autoincrement=False)


class RubricDraftRow(Base):
    """The text of a rubric that somebody tried last, so that it outlives the server; it counts for nothing.

    Attributes:
        owner: Whose, as the history names them.
        at: When they tried it.
    """

    __tablename__ = "rubric_drafts"
    __table_args__ = ({"sqlite_strict": True},)

    owner: Mapped[str] = mapped_column(primary_key=True)
    assignment: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    at: Mapped[datetime]
