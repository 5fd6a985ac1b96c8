"""What writes of programs were answered with, so that what is sent twice is done once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from grader.store.api_tables import ApiAnswerRow
from grader.store.engine import Database
from grader.store.signed_in import hashed

__all__ = ["LASTS", "ApiAnswers", "Begun", "KeptAnswer"]

#: How long an answer is kept.
LASTS = timedelta(hours=24)
#: Whoever began and has not answered within so long was broken off.
_UNDER_WAY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """An answer as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What is known of a key.

    Attributes:
        is_first: Nobody has asked under it, or whoever did was broken off: it is to be done now.
        is_other: Something else was asked under it.
        answer: What the same was answered with; None while it is under way.
    """

    is_first: bool = False
    is_other: bool = False
    answer: KeptAnswer | None = None


class ApiAnswers:
    """Answers by token and key. Safe to share between threads.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, token: int, key: str, request: str) -> Begun:
        """Takes a key before anything is done under it: of two at once, one does it.

        Args:
            token: Whose key it is.
            key: As the program chose it.
            request: All that is asked, as text; its hash is kept.
        """
        digest, now = hashed(request), self._clock()
        with self._database.queueing() as session:
            own = (ApiAnswerRow.token == token, ApiAnswerRow.key == key)
            broken_off = (ApiAnswerRow.status == 0, ApiAnswerRow.began <= now - _UNDER_WAY)
            session.execute(delete(ApiAnswerRow).where(ApiAnswerRow.began <= now - LASTS))
            session.execute(delete(ApiAnswerRow).where(*own, *broken_off, ApiAnswerRow.request == digest))
            row = session.scalar(select(ApiAnswerRow).where(*own))
            if row is not None:
                return _begun(row, digest)
            try:
                with session.begin_nested():
                    session.execute(
                        insert(ApiAnswerRow).values(
                            token=token, key=key, request=digest, status=0, headers="{}", body="", began=now
                        )
                    )
            except IntegrityError:
                # On a server's database another took the key in the very same moment.
                return Begun()
        return Begun(is_first=True)

    def keep(self, token: int, key: str, answer: KeptAnswer) -> None:
        """Keeps what a write was answered with."""
        told = {
            "status": answer.status,
            "headers": json.dumps(dict(answer.headers)),
            "body": answer.body,
        }
        with self._database.queueing() as session:
            own = (ApiAnswerRow.token == token, ApiAnswerRow.key == key)
            session.execute(update(ApiAnswerRow).where(*own).values(**told))

    def forget(self, token: int, key: str) -> None:
        """Gives a key back: nothing was done under it, or nobody knows."""
        with self._database.queueing() as session:
            own = (ApiAnswerRow.token == token, ApiAnswerRow.key == key)
            session.execute(delete(ApiAnswerRow).where(*own))


def _begun(row: ApiAnswerRow, digest: str) -> Begun:
    if row.request != digest:
        return Begun(is_other=True)
    if not row.status:
        return Begun()
    headers = json.loads(row.headers)
    return Begun(answer=KeptAnswer(status=row.status, headers=headers, body=row.body))
