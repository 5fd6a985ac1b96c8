"""Tables of tokens for programs, and of what their writes were answered with; no seal covers either."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["ApiAnswerRow", "ApiTokenRow"]


class ApiTokenRow(Base):
    """A secret by which a program acts for an account.

    Attributes:
        name: What its owner calls it.
        secret: SHA-256 of it.
        scopes: Words apart by spaces.
        course: The only one that it is for; empty for all that the account is in.
        made: When it was.
        until: When it ends; None for never.
        used: When it was last used, give or take some minutes; None for never.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (
        UniqueConstraint("account", "name", name="uq_api_tokens_account"),
        UniqueConstraint("secret", name="uq_api_tokens_secret"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret: Mapped[str]
    scopes: Mapped[str]
    course: Mapped[str]
    made: Mapped[datetime]
    until: Mapped[datetime | None]
    used: Mapped[datetime | None]


class ApiAnswerRow(Base):
    """What a write was answered with, for whoever sends it again under the same key.

    Attributes:
        key: As the program chose it.
        request: SHA-256 of what it asked.
        status: Of the answer; 0 while there is none.
        headers: Of the answer, as JSON.
        body: Of the answer.
        began: When it was asked.
    """

    __tablename__ = "api_answers"
    __table_args__ = ({"sqlite_strict": True},)

    token: Mapped[int] = mapped_column(
        ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    status: Mapped[int]
    headers: Mapped[str]
    body: Mapped[str]
    began: Mapped[datetime]
