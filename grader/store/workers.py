"""Hosts that run notebooks for the server, in the database of the first course that it shows."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from grader.errors import UsageError
from grader.store.engine import Database
from grader.store.records import Record
from grader.store.worker_tables import WorkerRow

__all__ = ["Said", "WorkerRecord", "Workers"]

#: By it a leaked token is known for what it is.
_PREFIX = "gw_"
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Said:
    """What a worker says of itself: for people to read, and decides nothing."""

    host: str
    version: str
    seats: int
    gpus: int
    dashboard: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkerRecord(Record):
    """A host that may take work, or that might; its secret is not in it."""

    id: int
    name: str
    made: datetime
    made_by: str
    host: str
    version: str
    seats: int
    gpus: int
    dashboard: str
    revoked: datetime | None
    seen: datetime | None
    draining: bool
    revoked_by: str
    courses: str

    def serves(self, course: str) -> bool:
        """Whether its token is for this course."""
        return not self.courses or course in self.courses.split("\n")

    @property
    def run(self) -> str:
        """Under which name it holds jobs in the queue of each course."""
        return f"worker-{self.id}"


class Workers:
    """Who may take work from elsewhere. Safe to share between threads.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[WorkerRecord]:
        """Those whose token holds first, each by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(WorkerRow).order_by(WorkerRow.name)).all()
            return sorted(map(WorkerRecord.of, rows), key=lambda each: each.revoked is not None)

    def let_in(self, name: str, by: str, courses: Sequence[str] = ()) -> str:
        """Makes a worker.

        Args:
            name: What people call it; no two have the same, also not after one was revoked.
            by: Who lets it in.
            courses: Which it may serve; none for all that the server has.

        Returns:
            Its token, which is kept nowhere.

        Raises:
            UsageError: There is one of this name.
        """
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        with self._database.queueing() as session:
            if session.scalar(select(WorkerRow.id).filter_by(name=name)) is not None:
                raise UsageError(
                    f"there is a worker called {name} already",
                    todo="take another name; `grader worker list` shows them, and what was revoked stays so",
                )
            session.add(
                WorkerRow(
                    name=name,
                    secret=_hash(secret),
                    made=self._clock(),
                    made_by=by,
                    host="",
                    version="",
                    seats=0,
                    gpus=0,
                    dashboard="",
                    revoked=None,
                    seen=None,
                    draining=False,
                    courses="\n".join(courses),
                    revoked_by="",
                )
            )
        return secret

    def of(self, secret: str) -> WorkerRecord | None:
        """Whose token this is; None where it is nobody's, or was revoked."""
        if not secret.startswith(_PREFIX):
            return None
        with self._database.reading() as session:
            row = session.scalars(select(WorkerRow).filter_by(secret=_hash(secret), revoked=None)).first()
            return WorkerRecord.of(row) if row else None

    def hear(self, id: int, said: Said) -> None:
        """Notes that a worker is there, and what it says of itself."""
        told = vars(said)
        with self._database.queueing() as session:
            session.execute(update(WorkerRow).where(WorkerRow.id == id).values(seen=self._clock(), **told))

    def revoke(self, name: str, by: str) -> None:
        """Ends a worker's token for good; what it runs is free within a lease.

        Args:
            name: Which one.
            by: Who ends it.

        Raises:
            UsageError: There is none of this name, or it was revoked before.
        """
        if any(each.name == name and each.revoked is not None for each in self.all()):
            raise UsageError(f"the worker {name} was revoked already")
        self._change(name, revoked=self._clock(), revoked_by=by)

    def drain(self, name: str, *, draining: bool) -> None:
        """Lets a worker finish what it has and take nothing new, or take work again.

        Raises:
            UsageError: There is none of this name.
        """
        self._change(name, draining=draining)

    def _change(self, name: str, **values: object) -> None:
        with self._database.queueing() as session:
            changed = session.execute(
                update(WorkerRow).where(WorkerRow.name == name).values(**values).returning(WorkerRow.id)
            ).first()
        if changed is None:
            known = ", ".join(each.name for each in self.all())
            raise UsageError(f"no worker is called {name}", expected=known or None)


def _hash(secret: str) -> str:
    # As random as a key, so that a plain digest cannot be undone by guessing.
    return hashlib.sha256(secret.encode()).hexdigest()
