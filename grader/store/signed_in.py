"""Who is signed in, links that sign somebody in once, and who is at the identity provider: kept as hashes.

Who reads the database, or a backup of it, finds nothing to sign in with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from grader.store.account_tables import AccountRow, EnrolmentRow, OidcRequestRow, SessionRow, SignInLinkRow
from grader.store.accounts import EnrolmentRecord
from grader.store.engine import Database

__all__ = ["IDLE", "Comer", "OidcRequest", "OpenSession", "SignedIn", "SignedInRecord", "hashed"]

#: After so long without a request a session ends.
IDLE = timedelta(hours=4)
#: Whether somebody is still there is written down no more often.
_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Comer:
    """Who comes in: an account, or a name with a role in every course, by a link of the server's own.

    Attributes:
        sets_password: Of a link: whether its use chooses a password.
    """

    account: int | None = None
    name: str = ""
    role: str = ""
    sets_password: bool = False


@dataclass(frozen=True, kw_only=True)
class SignedInRecord:
    """A session.

    Attributes:
        name: The account's login, or the name that the link gave.
        role: In every course, by a link of the server's own; empty otherwise.
        enrolments: By course.
    """

    account: int | None
    name: str
    role: str
    enrolments: Mapping[str, EnrolmentRecord]
    until: datetime


@dataclass(frozen=True, kw_only=True)
class OidcRequest:
    """Who was sent to the identity provider."""

    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True)
class OpenSession:
    """Where somebody is signed in.

    Attributes:
        key: Names it, and signs nobody in.
        began: When; seen: when they were last there, give or take some minutes.
        is_own: Whether it is the one that asks.
    """

    key: str
    began: datetime
    seen: datetime
    is_own: bool


def hashed(secret: str) -> str:
    """How a secret of ours, which is long and made by chance, is kept."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# Made once: each request asks it, and to put it together takes longer than to ask.
_SIGNED_IN = (
    select(SessionRow, AccountRow.login, EnrolmentRow)
    .outerjoin(AccountRow, AccountRow.id == SessionRow.account)
    .outerjoin(EnrolmentRow, EnrolmentRow.account == SessionRow.account)
    .where(SessionRow.id == bindparam("id"))
)


class SignedIn:
    """All that are signed in, or are about to be. Safe to share between threads.

    Args:
        database: The home course's, or one of its own beside a database that cannot be written.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, id: str, comer: Comer, until: datetime) -> None:
        """Signs somebody in, and takes away what has ended."""
        now = self._clock()
        with self._database.queueing() as session:
            _clean(session, now)
            session.add(
                SessionRow(
                    id=hashed(id),
                    account=comer.account,
                    name=comer.name,
                    role=comer.role,
                    began=now,
                    seen=now,
                    until=until,
                )
            )

    def of(self, id: str) -> SignedInRecord | None:
        """Whose session this is; None where there is none, or it has ended."""
        now = self._clock()
        with self._database.reading() as session:
            rows = session.execute(_SIGNED_IN, {"id": hashed(id)}).all()
            if not rows:
                return None
            row: SessionRow = rows[0][0]
            if row.until <= now or row.seen + IDLE <= now:
                return None
            enrolments = [each[2] for each in rows if each[2] is not None]
            found = SignedInRecord(
                account=row.account,
                name=rows[0][1] or row.name,
                role=row.role,
                enrolments={
                    each.course: EnrolmentRecord(course=each.course, role=each.role, student=each.student)
                    for each in enrolments
                },
                until=row.until,
            )
            stale = row.seen + _SEEN_EVERY <= now
        if stale:
            self._touch(id, now)
        return found

    def end(self, id: str) -> None:
        with self._database.queueing() as session:
            session.execute(delete(SessionRow).where(SessionRow.id == hashed(id)))

    def sessions_of(self, account: int, own: str) -> list[OpenSession]:
        """Where an account is signed in, the newest first.

        Args:
            account: Whose.
            own: The id of the session that asks.
        """
        now = self._clock()
        query = select(SessionRow).filter_by(account=account).order_by(SessionRow.began.desc())
        with self._database.reading() as session:
            return [
                OpenSession(row.id, row.began, row.seen, row.id == hashed(own))
                for row in session.scalars(query)
                if row.until > now and row.seen + IDLE > now
            ]

    def end_others(self, account: int, own: str, only: str = "") -> int:
        """Ends sessions of an account but for the one that asks.

        Args:
            account: Whose.
            own: The id of the session that asks.
            only: The only one to end, as `OpenSession` names it; all others where it is empty.

        Returns:
            How many there were.
        """
        others = delete(SessionRow).where(SessionRow.account == account, SessionRow.id != hashed(own))
        if only:
            others = others.where(SessionRow.id == only)
        with self._database.queueing() as session:
            return len(session.scalars(others.returning(SessionRow.id)).all())

    def end_named(self, name: str) -> int:
        """Ends the sessions of who came by a link of the server's own.

        Returns:
            How many there were.
        """
        own = (SessionRow.account.is_(None), SessionRow.name == name)
        links = (SignInLinkRow.account.is_(None), SignInLinkRow.name == name)
        with self._database.queueing() as session:
            ended = session.scalars(delete(SessionRow).where(*own).returning(SessionRow.id)).all()
            session.execute(delete(SignInLinkRow).where(*links))
            return len(ended)

    def keep_link(self, token: str, comer: Comer, until: datetime) -> None:
        with self._database.queueing() as session:
            _clean(session, self._clock())
            session.add(
                SignInLinkRow(
                    id=hashed(token),
                    account=comer.account,
                    name=comer.name,
                    role=comer.role,
                    sets_password=comer.sets_password,
                    until=until,
                )
            )

    def link(self, token: str) -> Comer | None:
        """Whom a link is for, without using it; None where it is none, used up or too old."""
        with self._database.reading() as session:
            row = session.get(SignInLinkRow, hashed(token))
            return None if row is None or row.until <= self._clock() else _comer(row)

    def use_link(self, token: str) -> Comer | None:
        """As `link`, and nobody can use it again: of two at once, one gets it."""
        now = self._clock()
        with self._database.queueing() as session:
            used = delete(SignInLinkRow).where(SignInLinkRow.id == hashed(token)).returning(SignInLinkRow)
            row = session.scalar(used)
            return None if row is None or row.until <= now else _comer(row)

    def keep_oidc(self, state: str, browser: str, request: OidcRequest, until: datetime) -> None:
        with self._database.queueing() as session:
            _clean(session, self._clock())
            session.add(
                OidcRequestRow(
                    state=hashed(state),
                    browser=hashed(browser),
                    nonce=request.nonce,
                    verifier=request.verifier,
                    next=request.next,
                    until=until,
                )
            )

    def use_oidc(self, state: str, browser: str) -> OidcRequest | None:
        """What a browser was sent to the provider with, once; None where it was not, or too long ago."""
        now = self._clock()
        with self._database.queueing() as session:
            used = (
                delete(OidcRequestRow).where(OidcRequestRow.state == hashed(state)).returning(OidcRequestRow)
            )
            row = session.scalar(used)
            if row is None or row.until <= now or row.browser != hashed(browser):
                return None
            return OidcRequest(nonce=row.nonce, verifier=row.verifier, next=row.next)

    def _touch(self, id: str, now: datetime) -> None:
        with self._database.queueing() as session:
            session.execute(update(SessionRow).where(SessionRow.id == hashed(id)).values(seen=now))


def _clean(session: Session, now: datetime) -> None:
    """Takes away what has ended."""
    over = or_(SessionRow.until <= now, SessionRow.seen <= now - IDLE)
    session.execute(delete(SessionRow).where(over))
    session.execute(delete(SignInLinkRow).where(SignInLinkRow.until <= now))
    session.execute(delete(OidcRequestRow).where(OidcRequestRow.until <= now))


def _comer(row: SignInLinkRow) -> Comer:
    return Comer(account=row.account, name=row.name, role=row.role, sets_password=row.sets_password)
