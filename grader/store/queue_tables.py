"""Tables of how the queue is steered: what was ordered, sealed like marks, and the pauses that hold by it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base, Entry
from grader.store.types import StudentName

__all__ = ["PauseRow", "QueueOrderRow"]


class QueueOrderRow(Entry):
    """What somebody ordered of the queue.

    Attributes:
        action: ``pause``, ``drain``, ``resume`` or ``rerun``.
        assignment: Which one; empty for all.
        student: Whose submission is run again; missing for the other actions.
    """

    __tablename__ = "queue_orders"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    action: Mapped[str]
    assignment: Mapped[str]
    student: Mapped[str | None] = mapped_column(StudentName)
    reason: Mapped[str]


class PauseRow(Base):
    """That jobs of an assignment are not taken; unsealed, as claims look at it and nothing counts by it.

    Attributes:
        assignment: Which one; empty for all.
        up_to: The last place in the queue that is taken all the same; 0 for none.
        ordered: The row of the history that made it so.
    """

    __tablename__ = "queue_pauses"
    __table_args__ = ({"sqlite_strict": True},)

    assignment: Mapped[str] = mapped_column(primary_key=True)
    up_to: Mapped[int]
    ordered: Mapped[int] = mapped_column(ForeignKey("queue_orders.seq"))
