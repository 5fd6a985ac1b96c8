"""Mails as they are sent: each is leased to one sender at a time, and noted by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from grader.store.engine import Database
from grader.store.leases import database_now, lapsed
from grader.store.mail_tables import MailRow
from grader.store.mails import Mail

__all__ = ["SENDING_S", "Outbox"]

#: How long a sender has a mail to itself; one that was broken off is sent again after it.
SENDING_S = 300.0


class Outbox:
    """The mails of one course. Safe to share between threads and processes.

    Args:
        database: The course's.
        clock: Gives the time in UTC, by which a mail is due.
        lease_s: How long whoever takes a mail has it.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, lease_s: float = SENDING_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease_s = lease_s

    def take(self) -> Mail | None:
        """Takes the oldest mail that is due, for this sender alone; None where there is none."""
        lost = and_(MailRow.state == "sending", lapsed(MailRow.lease_until))
        due = or_(MailRow.state == "waiting", lost)
        query = select(MailRow).where(due, MailRow.due <= self._clock()).order_by(MailRow.id).limit(1)
        with self._database.queueing() as session:
            row = session.scalar(query.with_for_update(skip_locked=True))
            if row is None:
                return None
            values = {
                "state": "sending",
                "tries": MailRow.tries + 1,
                "token": MailRow.token + 1,
                "lease_until": database_now() + self._lease_s,
            }
            session.execute(update(MailRow).where(MailRow.id == row.id).values(values))
            session.refresh(row)
            return Mail(**{name: getattr(row, name) for name in Mail.__dataclass_fields__})

    def keep(self, mail: Mail) -> bool:
        """Has a mail for as long again; False where somebody else has it by now, or it was erased."""
        with self._database.queueing() as session:
            return self._change(session, mail, lease_until=database_now() + self._lease_s)

    def note(
        self, mail: Mail, state: str, *, error: str = "", due: datetime | None = None, tried: bool = True
    ) -> bool:
        """Notes what became of a mail.

        Args:
            mail: As it was taken.
            state: See `MailRow`.
            error: What the mail server said.
            due: When it is looked at again; None for at once.
            tried: Whether a server was shown it at all.

        Returns:
            Whether it was noted: not where somebody else took it meanwhile, or it was erased.
        """
        values = {
            "state": state,
            "error": error,
            "due": due or self._clock(),
            "tries": mail.tries - (not tried),
            "lease_until": None,
        }
        with self._database.queueing() as session:
            return self._change(session, mail, **values)

    def retry(self) -> int:
        """Has everything that waits or was given up be sent at once; what is being sent is left alone.

        Returns:
            How many these are.
        """
        again = update(MailRow).where(MailRow.state.in_(("waiting", "given up")))
        values = {"state": "waiting", "tries": 0, "error": "", "due": self._clock()}
        with self._database.queueing() as session:
            return len(session.scalars(again.values(values).returning(MailRow.id)).all())

    @staticmethod
    def _change(session: Session, mail: Mail, **values: Any) -> bool:
        held = (MailRow.id == mail.id, MailRow.token == mail.token, MailRow.state == "sending")
        return session.scalar(update(MailRow).where(*held).values(values).returning(MailRow.id)) is not None
