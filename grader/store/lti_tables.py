"""Tables of course systems that bring people by LTI 1.3; unsealed, beside accounts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = [
    "LineItemRow",
    "LtiArrivalRow",
    "LtiContextRow",
    "LtiRequestRow",
    "PlatformRow",
    "SentScoreRow",
]


class PlatformRow(Base):
    """A course system that was registered, with one deployment of this tool in it.

    Attributes:
        name: As commands call it.
        origins: Where its pages and services are, with blanks between.
        course: For which course of this server it brings people.
        enrols: Roles that it may give to whom nobody enrolled, with blanks between.
        made: When it was registered.
    """

    __tablename__ = "lti_platforms"
    __table_args__ = (
        UniqueConstraint("issuer", "client_id", "deployment", name="uq_lti_platforms_issuer"),
        {"sqlite_strict": True},
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    client_id: Mapped[str]
    deployment: Mapped[str]
    auth_url: Mapped[str]
    token_url: Mapped[str]
    jwks_url: Mapped[str]
    origins: Mapped[str]
    course: Mapped[str]
    enrols: Mapped[str]
    made: Mapped[datetime]


class LtiContextRow(Base):
    """One of a platform's courses, which somebody connected with a course here.

    Attributes:
        context: How the platform calls it.
        course: The course here.
        memberships: Where its members are asked for; empty until a launch tells.
        line_items: Where its columns for marks are; empty until a launch tells.
    """

    __tablename__ = "lti_contexts"
    __table_args__ = ({"sqlite_strict": True},)

    platform: Mapped[str] = mapped_column(
        ForeignKey("lti_platforms.name", ondelete="CASCADE"), primary_key=True
    )
    context: Mapped[str] = mapped_column(primary_key=True)
    course: Mapped[str]
    memberships: Mapped[str]
    line_items: Mapped[str]


class LineItemRow(Base):
    """The column for an assignment's marks in one of a platform's courses."""

    __tablename__ = "lti_line_items"
    __table_args__ = ({"sqlite_strict": True},)

    platform: Mapped[str] = mapped_column(
        ForeignKey("lti_platforms.name", ondelete="CASCADE"), primary_key=True
    )
    context: Mapped[str] = mapped_column(primary_key=True)
    assignment: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]


class SentScoreRow(Base):
    """A mark that a platform took.

    Attributes:
        line_item: Address of the column.
        subject: Whose, as the platform calls them.
        course, student: Whose, here; so that it goes when they are erased.
        digest: Of what was sent, so that the same is not sent again.
        sent: When the platform took it.
    """

    __tablename__ = "lti_scores"
    __table_args__ = ({"sqlite_strict": True},)

    platform: Mapped[str] = mapped_column(
        ForeignKey("lti_platforms.name", ondelete="CASCADE"), primary_key=True
    )
    line_item: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    course: Mapped[str]
    student: Mapped[str]
    digest: Mapped[str]
    sent: Mapped[datetime]


class LtiRequestRow(Base):
    """A browser that was sent to a platform and is not back yet.

    Attributes:
        state: SHA-256 of what it brings back.
        browser: SHA-256 of what its cookie holds; of no use where `deep` is said.
        nonce: What the platform has to name.
        deep: Whether an assignment is to be chosen, for which nobody is signed in.
        until: When it is too late.
    """

    __tablename__ = "lti_requests"
    __table_args__ = ({"sqlite_strict": True},)

    state: Mapped[str] = mapped_column(primary_key=True)
    browser: Mapped[str]
    nonce: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    deep: Mapped[bool]
    until: Mapped[datetime]


class LtiArrivalRow(Base):
    """Somebody whom a platform vouched for, until their browser shows that it is the one that was sent.

    Attributes:
        ticket: SHA-256 of what the browser is sent on with.
        browser: As of the request.
        next: Where they go.
    """

    __tablename__ = "lti_arrivals"
    __table_args__ = ({"sqlite_strict": True},)

    ticket: Mapped[str] = mapped_column(primary_key=True)
    browser: Mapped[str]
    account: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    next: Mapped[str]
    until: Mapped[datetime]
