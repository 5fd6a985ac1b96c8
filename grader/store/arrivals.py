"""Who is on the way here from a course system: used up by one statement each, and kept as hashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from grader.store.engine import Database
from grader.store.lti_tables import LtiArrivalRow, LtiRequestRow
from grader.store.signed_in import hashed

__all__ = ["Arrival", "Arrivals", "LtiRequest"]


@dataclass(frozen=True, kw_only=True)
class LtiRequest:
    """A browser that was sent to a platform.

    Attributes:
        browser: Hash of what its cookie holds.
        deep: Whether an assignment is to be chosen; nobody is signed in then.
    """

    browser: str
    nonce: str
    issuer: str
    client_id: str
    deep: bool


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Whom a platform vouched for, and where they go."""

    account: int
    next: str


class Arrivals:
    """Safe to share between threads.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def keep_request(self, state: str, request: LtiRequest, until: datetime) -> None:
        with self._database.queueing() as session:
            _clean(session, self._clock())
            session.add(LtiRequestRow(state=hashed(state), until=until, **request.__dict__))

    def use_request(self, state: str) -> LtiRequest | None:
        """What a browser was sent with, once; None where it was not, or too long ago."""
        now = self._clock()
        used = delete(LtiRequestRow).where(LtiRequestRow.state == hashed(state)).returning(LtiRequestRow)
        with self._database.queueing() as session:
            row = session.scalar(used)
            if row is None or row.until <= now:
                return None
            return LtiRequest(
                browser=row.browser,
                nonce=row.nonce,
                issuer=row.issuer,
                client_id=row.client_id,
                deep=row.deep,
            )

    def keep(self, ticket: str, browser: str, arrival: Arrival, until: datetime) -> None:
        """Until the browser shows its cookie, whose hash is `browser`."""
        with self._database.queueing() as session:
            _clean(session, self._clock())
            session.add(
                LtiArrivalRow(ticket=hashed(ticket), browser=browser, until=until, **arrival.__dict__)
            )

    def use(self, ticket: str, browser: str) -> Arrival | None:
        """Who arrived with this ticket, once, in the browser with this in its cookie."""
        now = self._clock()
        used = delete(LtiArrivalRow).where(LtiArrivalRow.ticket == hashed(ticket)).returning(LtiArrivalRow)
        with self._database.queueing() as session:
            row = session.scalar(used)
            if row is None or row.until <= now or not browser or row.browser != hashed(browser):
                return None
            return Arrival(account=row.account, next=row.next)


def _clean(session: Session, now: datetime) -> None:
    session.execute(delete(LtiRequestRow).where(LtiRequestRow.until <= now))
    session.execute(delete(LtiArrivalRow).where(LtiArrivalRow.until <= now))
