"""The table of second runs: what they came to, beside the history and no part of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["SecondRunRow"]


class SecondRunRow(Base):
    """That an attempt is run once more, with another seed, to see whether it comes to the same.

    Attributes:
        attempt: The first run's; there is one second run of it.
        job: The second run's, in the queue.
        host: Who ran it first; another one is to run it now.
        made: Since when it waits.
        state: ``waiting``, ``steady``, ``unsteady``, or ``failed`` where no sandbox could run it.
        seed: Of the second run.
        evidence: Digest of what it left, among the blobs; empty while it waits.
        differing: JSON of what differs, by criterion (see `second_runs.Differing`).
    """

    __tablename__ = "second_runs"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(ForeignKey("attempts.seq"), unique=True)
    job: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    host: Mapped[str]
    made: Mapped[datetime]
    state: Mapped[str]
    seed: Mapped[int]
    evidence: Mapped[str]
    differing: Mapped[str]
