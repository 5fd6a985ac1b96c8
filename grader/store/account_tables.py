"""Tables of who may come in, which no seal covers: people change their names, and are erased when they go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = [
    "AccountRow",
    "EnrolmentRow",
    "IdentityRow",
    "OidcRequestRow",
    "SessionRow",
    "SignInLinkRow",
    "create_account_tables",
]


class AccountRow(Base):
    """Somebody who can sign in.

    Attributes:
        login: As they type it and as the history names them, folded to one way of writing.
        email: Where an identity provider knows them by it; empty otherwise.
        password: Its argon2 hash; empty where they have none.
        made: When the account was.
    """

    __tablename__ = "accounts"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    password: Mapped[str]
    made: Mapped[datetime]


class EnrolmentRow(Base):
    """What somebody is in a course, which this server need not show.

    Attributes:
        student: Under which id they hand in there; empty for whoever does not.
    """

    __tablename__ = "enrolments"
    __table_args__ = ({"sqlite_strict": True},)

    account: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    course: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    student: Mapped[str]


class IdentityRow(Base):
    """Whom an identity provider means by a subject, which it never gives to anybody else."""

    __tablename__ = "identities"
    __table_args__ = ({"sqlite_strict": True},)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)


class SessionRow(Base):
    """Somebody who is signed in.

    Attributes:
        id: SHA-256 of what the browser's cookie holds.
        account: Whose; None for who came by a link of the server's own.
        name: Of who came by such a link; empty otherwise.
        role: What they are in every course; empty otherwise.
        began: When they signed in.
        seen: When they were last there, give or take some minutes.
        until: When it ends, however busy they are.
    """

    __tablename__ = "sessions"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    began: Mapped[datetime]
    seen: Mapped[datetime]
    until: Mapped[datetime]


class SignInLinkRow(Base):
    """A link that was not used yet; `account`, `name` and `role` as of a session.

    Attributes:
        id: SHA-256 of the token in it.
        sets_password: Whether who uses it chooses a password.
    """

    __tablename__ = "sign_in_links"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    sets_password: Mapped[bool]
    until: Mapped[datetime]


class OidcRequestRow(Base):
    """Somebody who was sent to the identity provider and is not back yet.

    Attributes:
        state: SHA-256 of what they bring back.
        browser: SHA-256 of what their browser's cookie holds, so that nobody finishes for another.
        nonce: What the provider has to name.
        verifier: Proves to the provider that who asks for the token is who sent them (PKCE).
        next: Where they wanted to go.
        until: When it is too late.
    """

    __tablename__ = "oidc_requests"
    __table_args__ = ({"sqlite_strict": True},)

    state: Mapped[str] = mapped_column(primary_key=True)
    browser: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    next: Mapped[str]
    until: Mapped[datetime]


def create_account_tables(connection: Connection) -> None:
    """Makes these tables alone, where there is no history beside them."""
    rows = (AccountRow, EnrolmentRow, IdentityRow, SessionRow, SignInLinkRow, OidcRequestRow)
    names = {row.__tablename__ for row in rows}
    tables = [table for table in Base.metadata.sorted_tables if table.name in names]
    Base.metadata.create_all(connection, tables=tables)
