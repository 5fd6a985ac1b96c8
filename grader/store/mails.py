"""The outbox as it is asked and written, and the course's word on whether mails go out at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from grader.store.mail_tables import MailRow
from grader.store.models import SettingRow

__all__ = [
    "Mail",
    "Mailing",
    "NewMail",
    "begin_mails",
    "keep_mailing",
    "kept_mailing",
    "mails",
    "note_mail",
    "post",
    "retry_mails",
]

_SETTING = "mail"
#: How long a sender has a mail to itself; one that was broken off is sent again after it.
_SENDING = timedelta(minutes=10)


@dataclass(frozen=True)
class Mailing:
    """How the course's mails go out.

    Attributes:
        sender: Address that they come from.
        link: Where students read what a mail is about; empty names no place.
    """

    sender: str
    link: str = ""


@dataclass(frozen=True)
class NewMail:
    """A mail to be posted; see `MailRow`."""

    about: str
    student: str
    address: str
    subject: str
    text: str


@dataclass(frozen=True)
class Mail:
    """A mail of the outbox; see `MailRow`."""

    id: int
    about: str
    student: str
    address: str
    subject: str
    text: str
    message: str
    state: str
    tries: int
    error: str
    made: datetime
    due: datetime


def kept_mailing(session: Session) -> Mailing | None:
    """How mails go out; None where the course sends none."""
    row = session.get(SettingRow, _SETTING)
    return None if row is None else Mailing(**json.loads(row.value))


def keep_mailing(session: Session, mailing: Mailing | None) -> None:
    """Says how mails go out from now on; None that none are written any more."""
    if mailing is None:
        session.execute(delete(SettingRow).where(SettingRow.name == _SETTING))
    else:
        session.merge(SettingRow(name=_SETTING, value=json.dumps(asdict(mailing))))
    session.flush()


def post(session: Session, new: Sequence[NewMail], at: datetime) -> int:
    """Puts mails into the outbox, each once for what it is about; none where the course sends none.

    Returns:
        How many of them are new.
    """
    mailing = kept_mailing(session)
    if mailing is None or not new:
        return 0
    known = set(session.scalars(select(MailRow.about)))
    host = mailing.sender.rpartition("@")[2]
    fresh = {mail.about: mail for mail in new if mail.about not in known}
    for mail in fresh.values():
        session.add(
            MailRow(
                **asdict(mail),
                message=f"<{uuid.uuid4().hex}@{host}>",
                state="waiting",
                tries=0,
                error="",
                made=at,
                due=at,
            )
        )
    session.flush()
    return len(fresh)


def begin_mails(session: Session, at: datetime, limit: int) -> list[Mail]:
    """Takes mails that are due, for one sender alone and for so long as one may take to send them."""
    query = select(MailRow).where(_is_open(), MailRow.due <= at).order_by(MailRow.id).limit(limit)
    rows = session.scalars(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.state, row.tries, row.due = "sending", row.tries + 1, at + _SENDING
    session.flush()
    return list(map(_mail, rows))


def note_mail(
    session: Session, id: int, state: str, *, error: str = "", due: datetime, untried: bool = False
) -> None:
    """Notes what became of a mail; one that was erased meanwhile stays so.

    Args:
        session: To write in.
        id: Of the mail.
        state: See `MailRow`.
        error: What the mail server said.
        due: When it is looked at again.
        untried: It was never shown to a server, so that it was no try.
    """
    row = session.get(MailRow, id)
    if row is not None:
        row.state, row.error, row.due, row.tries = state, error, due, row.tries - untried
        session.flush()


def retry_mails(session: Session, at: datetime) -> int:
    """Has everything that waits or was given up be sent at once; what is being sent is left alone."""
    rows = session.scalars(select(MailRow).where(MailRow.state.in_(("waiting", "given up")))).all()
    for row in rows:
        row.state, row.tries, row.due = "waiting", 0, at
    session.flush()
    return len(rows)


def mails(session: Session) -> list[Mail]:
    """All of them, oldest first."""
    return list(map(_mail, session.scalars(select(MailRow).order_by(MailRow.id))))


def _is_open() -> ColumnElement[bool]:
    return MailRow.state.in_(("waiting", "sending"))


def _mail(row: MailRow) -> Mail:
    return Mail(**{name: getattr(row, name) for name in Mail.__dataclass_fields__})
