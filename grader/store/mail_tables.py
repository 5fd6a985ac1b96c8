"""The outbox: mails that wait and mails that went. No part of the history, so that it can be erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["MailRow"]


class MailRow(Base):
    """One mail, written in the transaction of what it tells.

    Attributes:
        about: What it tells, of whom: there is one mail about it for ever.
        message: Its Message-ID, the same however often it is sent, by which the receiver's server knows it.
        state: ``waiting``, ``sending``, ``sent`` or ``given up``.
        tries: Times that it was begun to be sent.
        error: What the mail server said the last time.
        due: Until when it is left alone (UTC).
    """

    __tablename__ = "mails"
    __table_args__ = ({"sqlite_strict": True},)

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
