"""What of the mails did not go out, for whoever runs the course, and having it tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.store import Store
from grader.store.mails import Mail, Mailing

__all__ = ["MOST_SHOWN", "OutboxView", "outbox_view", "try_again"]

#: Of mails that did not go out so many are shown; the command lists all.
MOST_SHOWN = 200


@dataclass(frozen=True)
class OutboxView:
    """The mails of a course.

    Attributes:
        mailing: How they go out; None where the course writes none.
        sent, waiting, given_up: How many.
        oldest: When the oldest was written that waits (UTC).
        stuck: Mails that were given up, then those that wait after a failure; the newest first.
    """

    mailing: Mailing | None
    sent: int
    waiting: int
    given_up: int
    oldest: datetime | None
    stuck: tuple[Mail, ...]


def outbox_view(store: Store) -> OutboxView:
    """The mails of a course as they stand. Writes nothing."""
    with store.reading() as history:
        mailing, unsent = history.mailing(), history.unsent_mails(MOST_SHOWN)
    counts = unsent.counts
    return OutboxView(
        mailing=mailing,
        sent=counts.get("sent", 0),
        waiting=counts.get("waiting", 0) + counts.get("sending", 0),
        given_up=counts.get("given up", 0),
        oldest=unsent.oldest,
        stuck=unsent.stuck,
    )


def try_again(store: Store) -> int:
    """Has all mails that wait or were given up be tried at once.

    Returns:
        How many these are.
    """
    return store.outbox.retry()
