"""Tables of what a course let go of, which is sealed, and of who is judging a class again, which is not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base, Entry
from grader.store.types import Digests

__all__ = ["LetGoRow", "RegradeRow"]


class LetGoRow(Entry):
    """That files of an assignment were let go of when the time for keeping them was over.

    Attributes:
        what: ``uploads`` or ``evidence``.
        digests: Of the files, by which rows of the history name them. One that a later row names is wanted
            again.
        reason: The rule, in words.
    """

    __tablename__ = "let_go"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str]
    what: Mapped[str]
    digests: Mapped[tuple[str, ...]] = mapped_column(Digests)
    reason: Mapped[str]


class RegradeRow(Base):
    """That somebody is judging an assignment again, or was broken off at it: its verdicts come in pieces.

    Attributes:
        after: Number of the newest row when it began; later ones may be half of it.
        done: Verdicts that were looked at, of as many works.
        lease_until: As of a job; it was broken off where that has lapsed.
    """

    __tablename__ = "regrades"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment: Mapped[str]
    actor: Mapped[str]
    began: Mapped[datetime]
    after: Mapped[int]
    done: Mapped[int]
    works: Mapped[int]
    lease_until: Mapped[float]
