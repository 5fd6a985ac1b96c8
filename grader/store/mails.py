"""The outbox as it is asked and written, and the course's word on whether mails go out at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from grader.store.mail_tables import MailRow
from grader.store.models import SettingRow

__all__ = [
    "Mail",
    "Mailing",
    "NewMail",
    "Unsent",
    "keep_mailing",
    "kept_mailing",
    "mails",
    "post",
    "unsent",
]

_SETTING = "mail"
_AT_A_TIME = 500


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
    token: int


@dataclass(frozen=True)
class Unsent:
    """The outbox at a glance.

    Attributes:
        counts: Mails by state.
        oldest: When the oldest was written that waits (UTC); None where none does.
        stuck: Those that were given up, then those that wait after a failure; the newest first.
    """

    counts: Mapping[str, int]
    oldest: datetime | None
    stuck: tuple[Mail, ...]


# Made once: each file that is handed in asks it.
_KEPT = select(SettingRow.value).where(SettingRow.name == _SETTING)


def kept_mailing(session: Session) -> Mailing | None:
    """How mails go out; None where the course sends none."""
    value = session.connection().scalar(_KEPT)
    return None if value is None else Mailing(**json.loads(value))


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
    known = _told(session, [mail.about for mail in new])
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
                token=0,
                lease_until=None,
            )
        )
    session.flush()
    return len(fresh)


def _told(session: Session, about: Sequence[str]) -> set[str]:
    """What of it somebody was told already."""
    found: set[str] = set()
    for start in range(0, len(about), _AT_A_TIME):
        some = about[start : start + _AT_A_TIME]
        found.update(session.scalars(select(MailRow.about).where(MailRow.about.in_(some))))
    return found


def unsent(session: Session, most: int) -> Unsent:
    """What did not go out, and how many did; see `Unsent`."""
    counts = select(MailRow.state, func.count(MailRow.id)).group_by(MailRow.state)
    stuck = (
        select(MailRow)
        .where(or_(MailRow.state == "given up", and_(MailRow.state == "waiting", MailRow.error != "")))
        .order_by(MailRow.state, MailRow.id.desc())
        .limit(most)
    )
    oldest = select(func.min(MailRow.made)).where(MailRow.state.in_(("waiting", "sending")))
    return Unsent(
        counts=dict(session.execute(counts).all()),
        oldest=session.scalar(oldest),
        stuck=tuple(map(_mail, session.scalars(stuck))),
    )


def mails(session: Session) -> list[Mail]:
    """All of them, oldest first."""
    return list(map(_mail, session.scalars(select(MailRow).order_by(MailRow.id))))


def _mail(row: MailRow) -> Mail:
    return Mail(**{name: getattr(row, name) for name in Mail.__dataclass_fields__})
