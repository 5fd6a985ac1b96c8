"""The outbox: mails that wait and mails that went. No part of the history, so that it can be erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["MailRow"]

_OPEN = text("state = 'waiting' OR state = 'sending'")


class MailRow(Base):
    """One mail, written in the transaction of what it tells.

    Attributes:
        about: What it tells, of whom: there is one mail about it for ever.
        message: Its Message-ID, the same however often it is sent, by which the receiver's server knows it.
        state: ``waiting``, ``sending``, ``sent`` or ``given up``.
        tries: Times that it was begun to be sent.
        error: What the mail server said the last time.
        due: Until when it is left alone (UTC).
        token: Counts how often it was taken; who notes what became of it has to say the newest.
        lease_until: When whoever took it lets go of it, in seconds since 1970 by the database's clock.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_open", "due", sqlite_where=_OPEN, postgresql_where=_OPEN),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(Text, unique=True)
    student: Mapped[str]
    address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    message: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int]
    error: Mapped[str]
    made: Mapped[datetime]
    due: Mapped[datetime]
    token: Mapped[int]
    lease_until: Mapped[float | None]
