"""Whether a store can be worked with just now, and how much there is to do in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.errors import StoreError
from grader.store import schema
from grader.store.blobs import BlobStore
from grader.store.changes import newest_row
from grader.store.engine import Database
from grader.store.models import AttemptRow, JobRow
from grader.store.standing_tables import CountRow

__all__ = ["Health", "Load", "health_of", "load_of"]


@dataclass(frozen=True)
class Health:
    """What answers.

    Attributes:
        reached: The database can be read.
        migrations: Its schema is this version's.
        evidence: The place of evidence answers, and has what was stored there last.
    """

    reached: bool
    migrations: bool
    evidence: bool

    @property
    def parts(self) -> Mapping[str, bool]:
        """Each part by the name that it goes by in metrics."""
        return {"database": self.reached, "migrations": self.migrations, "evidence": self.evidence}


@dataclass(frozen=True)
class Load:
    """How much there is.

    Attributes:
        jobs: In the queue, by state.
        waiting: Answers that wait for a person, by assignment.
        newest: The number of the newest row of the history.
    """

    jobs: Mapping[str, int]
    waiting: Mapping[str, int]
    newest: int


def health_of(database: Database, blobs: BlobStore) -> Health:
    """Asks the database and the place of evidence."""
    try:
        with database.reading() as session:
            migrations = schema.revision_of(session.connection()) == schema.REVISIONS[-1]
            # Of an attempt its plan alone is neither erased nor let go of.
            newest = select(AttemptRow.plan).order_by(AttemptRow.seq.desc()).limit(1)
            kept = session.scalar(newest) if migrations else None
    except StoreError:
        return Health(False, False, _answers(blobs, None))
    return Health(True, migrations, _answers(blobs, kept))


def _answers(blobs: BlobStore, kept: str | None) -> bool:
    try:
        if kept is not None:
            return kept in blobs
        blobs.check()
    except StoreError:
        return False
    return True


def load_of(session: Session) -> Load:
    """Counts jobs and answers that wait."""
    jobs = select(JobRow.state, func.count()).group_by(JobRow.state)
    waiting = (
        select(CountRow.assignment, func.sum(CountRow.number))
        .where(CountRow.what == "waits", CountRow.criterion != "")
        .group_by(CountRow.assignment)
    )
    return Load(
        jobs={state: number for state, number in session.execute(jobs)},  # noqa: C416, rows are no pairs
        waiting={name: int(number) for name, number in session.execute(waiting)},
        newest=newest_row(session),
    )
