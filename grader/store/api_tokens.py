"""Tokens by which programs act for accounts: kept as hashes, each with what it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update

from grader.errors import UsageError
from grader.store.account_tables import AccountRow, EnrolmentRow
from grader.store.accounts import EnrolmentRecord
from grader.store.api_tables import ApiTokenRow
from grader.store.engine import Database
from grader.store.signed_in import hashed

__all__ = ["ApiTokens", "Bearer", "TokenRecord"]

#: When a token was last used is written down no more often.
_USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class TokenRecord:
    """A token, without its secret; `login` is its owner's, `course` empty for all of theirs."""

    id: int
    login: str
    name: str
    scopes: tuple[str, ...]
    course: str
    made: datetime
    until: datetime | None
    used: datetime | None


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Who brought a token.

    Attributes:
        enrolments: What its owner is now, by course; of a token for one course that one alone.
    """

    token: TokenRecord
    account: int
    enrolments: Mapping[str, EnrolmentRecord]


class ApiTokens:
    """All tokens. Safe to share between threads.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        account: int,
        name: str,
        secret: str,
        scopes: tuple[str, ...],
        *,
        course: str,
        until: datetime | None,
    ) -> None:
        """Keeps a token.

        Raises:
            UsageError: The account has one of this name.
        """
        with self._database.queueing() as session:
            same = exists().where(ApiTokenRow.account == account, ApiTokenRow.name == name)
            if session.scalar(select(same)):
                raise UsageError(
                    "this account has a token of this name",
                    where=name,
                    todo="give another name, or take the old one back with `grader api revoke`",
                )
            session.add(
                ApiTokenRow(
                    account=account,
                    name=name,
                    secret=hashed(secret),
                    scopes=" ".join(scopes),
                    course=course,
                    made=self._clock(),
                    until=until,
                    used=None,
                )
            )

    def everyones(self, account: int | None = None) -> list[TokenRecord]:
        """All tokens by login and name, or those of one account, with those that have ended."""
        query = select(ApiTokenRow, AccountRow.login).join(AccountRow, AccountRow.id == ApiTokenRow.account)
        if account is not None:
            query = query.where(ApiTokenRow.account == account)
        with self._database.reading() as session:
            rows = session.execute(query.order_by(AccountRow.login, ApiTokenRow.name))
            return [_record(row, login) for row, login in rows]

    def revoke(self, account: int, name: str) -> bool:
        """Makes a token worthless at once, with what its writes were answered with.

        Returns:
            Whether there was one.
        """
        named = (ApiTokenRow.account == account, ApiTokenRow.name == name)
        with self._database.queueing() as session:
            gone = session.scalars(delete(ApiTokenRow).where(*named).returning(ApiTokenRow.id)).all()
            return bool(gone)

    def revoke_all(self, account: int) -> list[str]:
        """Makes all tokens of an account worthless at once, with what their writes were answered with.

        Returns:
            What they were called, by name.
        """
        with self._database.queueing() as session:
            gone = delete(ApiTokenRow).where(ApiTokenRow.account == account).returning(ApiTokenRow.name)
            return sorted(session.scalars(gone))

    def of(self, secret: str) -> Bearer | None:
        """Whose token this is; None where it is none, or has ended."""
        now = self._clock()
        query = (
            select(ApiTokenRow, AccountRow.login, EnrolmentRow)
            .join(AccountRow, AccountRow.id == ApiTokenRow.account)
            .outerjoin(EnrolmentRow, EnrolmentRow.account == ApiTokenRow.account)
            .where(ApiTokenRow.secret == hashed(secret))
        )
        with self._database.reading() as session:
            rows = session.execute(query).all()
            if not rows:
                return None
            row: ApiTokenRow = rows[0][0]
            if row.until is not None and row.until <= now:
                return None
            enrolled = [each[2] for each in rows if each[2] is not None]
            found = Bearer(
                token=_record(row, rows[0][1]),
                account=row.account,
                enrolments={
                    each.course: EnrolmentRecord(course=each.course, role=each.role, student=each.student)
                    for each in enrolled
                    if row.course in ("", each.course)
                },
            )
        used = found.token.used
        if not self._database.read_only and (used is None or used + _USED_EVERY <= now):
            self._touch(found.token.id, now)
        return found

    def _touch(self, id: int, now: datetime) -> None:
        with self._database.queueing() as session:
            session.execute(update(ApiTokenRow).where(ApiTokenRow.id == id).values(used=now))


def _record(row: ApiTokenRow, login: str) -> TokenRecord:
    return TokenRecord(
        id=row.id,
        login=login,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        course=row.course,
        made=row.made,
        until=row.until,
        used=row.used,
    )
