"""Course systems that bring people by LTI 1.3, their courses that are connected with ours, and our keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.store.engine import Database
from grader.store.lti_tables import LineItemRow, LtiContextRow, PlatformRow, SentScoreRow
from grader.store.models import SecretRow

__all__ = ["ContextRecord", "PlatformRecord", "Platforms", "SentScore"]

_KEYS = "lti_keys"


@dataclass(frozen=True, kw_only=True)
class PlatformRecord:
    """A platform as it was registered; see `grader.store.lti_tables.PlatformRow`."""

    name: str
    issuer: str
    client_id: str
    deployment: str
    auth_url: str
    token_url: str
    jwks_url: str
    origins: tuple[str, ...]
    course: str
    enrols: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContextRecord:
    """One of a platform's courses, connected with one of ours; addresses are empty until a launch tells."""

    platform: str
    context: str
    course: str
    memberships: str = ""
    line_items: str = ""


@dataclass(frozen=True, kw_only=True)
class SentScore:
    """A mark that a platform took; `digest` is of what was sent."""

    platform: str
    line_item: str
    subject: str
    course: str
    student: str
    digest: str


class Platforms:
    """What is known of course systems. Safe to share between threads.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[PlatformRecord]:
        """By name."""
        with self._database.reading() as session:
            return [_platform(row) for row in session.scalars(select(PlatformRow).order_by(PlatformRow.name))]

    def find(self, name: str) -> PlatformRecord | None:
        with self._database.reading() as session:
            row = session.get(PlatformRow, name)
            return None if row is None else _platform(row)

    def of(self, issuer: str, client_id: str = "") -> list[PlatformRecord]:
        """All registrations of an issuer, or of one client there; they differ in their deployment."""
        return [each for each in self.all() if each.issuer == issuer and client_id in ("", each.client_id)]

    def add(self, platform: PlatformRecord) -> None:
        """Registers a platform.

        Raises:
            UsageError: The name, or this deployment, is registered already.
        """
        with self._database.queueing() as session:
            same = (
                (PlatformRow.issuer == platform.issuer)
                & (PlatformRow.client_id == platform.client_id)
                & (PlatformRow.deployment == platform.deployment)
            )
            if session.scalar(select(exists().where((PlatformRow.name == platform.name) | same))):
                raise UsageError(
                    "a platform of this name, or with this deployment, is registered already",
                    where=platform.name,
                    todo="`grader lti list` shows all; `grader lti remove NAME` takes one away",
                )
            columns = {**platform.__dict__, "made": self._clock()}
            columns |= {name: " ".join(columns[name]) for name in ("origins", "enrols")}
            session.add(PlatformRow(**columns))

    def remove(self, name: str) -> bool:
        """Forgets a platform with what it took; people whom it brought keep their accounts.

        Returns:
            Whether it was there.
        """
        with self._database.queueing() as session:
            gone = delete(PlatformRow).where(PlatformRow.name == name).returning(PlatformRow.name)
            return session.scalar(gone) is not None

    def contexts(self, *, course: str | None = None) -> list[ContextRecord]:
        """Platforms' courses that are connected with a course here, or with any."""
        query = select(LtiContextRow)
        if course is not None:
            query = query.where(LtiContextRow.course == course)
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(LtiContextRow.platform, LtiContextRow.context))
            return [_context(row) for row in rows]

    def context(self, platform: str, context: str) -> ContextRecord | None:
        with self._database.reading() as session:
            row = session.get(LtiContextRow, (platform, context))
            return None if row is None else _context(row)

    def keep_context(self, record: ContextRecord) -> None:
        """Connects, or writes what was learned; columns of another course here are forgotten."""
        with self._database.queueing() as session:
            before = session.get(LtiContextRow, (record.platform, record.context))
            if before is not None and before.course != record.course:
                _forget_line_items(session, record.platform, record.context)
            session.merge(LtiContextRow(**record.__dict__))

    def learn(self, record: ContextRecord, *, memberships: str, line_items: str) -> None:
        """What a launch told of a connection; writes nothing where all of it was known."""
        told = replace(
            record,
            memberships=memberships or record.memberships,
            line_items=line_items or record.line_items,
        )
        if told != record:
            self.keep_context(told)

    def line_item(self, platform: str, context: str, assignment: str) -> str:
        """Address of the column for an assignment's marks; empty where none is known."""
        with self._database.reading() as session:
            row = session.get(LineItemRow, (platform, context, assignment))
            return "" if row is None else row.url

    def keep_line_item(self, platform: str, context: str, assignment: str, url: str) -> None:
        if url != self.line_item(platform, context, assignment):
            row = LineItemRow(platform=platform, context=context, assignment=assignment, url=url)
            with self._database.queueing() as session:
                session.merge(row)

    def sent(self, platform: str, line_item: str) -> dict[str, str]:
        """Digests of what a column has, by subject."""
        query = select(SentScoreRow.subject, SentScoreRow.digest).where(
            SentScoreRow.platform == platform, SentScoreRow.line_item == line_item
        )
        with self._database.reading() as session:
            return dict(session.execute(query).all())

    def keep_sent(self, score: SentScore) -> None:
        with self._database.queueing() as session:
            session.merge(SentScoreRow(**score.__dict__, sent=self._clock()))

    def keys(self) -> str:
        """Our keys as they were kept; empty where there are none yet."""
        with self._database.reading() as session:
            row = session.get(SecretRow, _KEYS)
            return "" if row is None else row.value

    def keep_keys(self, before: str, text: str) -> str:
        """Keeps keys in place of those that were there before.

        Returns:
            Those that are there now: another's, where somebody was faster.
        """
        with self._database.queueing() as session:
            row = session.get(SecretRow, _KEYS)
            if (row.value if row is not None else "") != before:
                return row.value if row is not None else ""
            session.merge(SecretRow(name=_KEYS, value=text))
            return text


def _forget_line_items(session: Session, platform: str, context: str) -> None:
    here = (LineItemRow.platform == platform, LineItemRow.context == context)
    session.execute(delete(LineItemRow).where(*here))


def _platform(row: PlatformRow) -> PlatformRecord:
    return PlatformRecord(
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        deployment=row.deployment,
        auth_url=row.auth_url,
        token_url=row.token_url,
        jwks_url=row.jwks_url,
        origins=tuple(row.origins.split()),
        course=row.course,
        enrols=tuple(row.enrols.split()),
    )


def _context(row: LtiContextRow) -> ContextRecord:
    return ContextRecord(
        platform=row.platform,
        context=row.context,
        course=row.course,
        memberships=row.memberships,
        line_items=row.line_items,
    )
