"""The history as it stood before its newest rows were written: nothing is copied, later rows are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from grader.store import results, timeline
from grader.store.models import Base, Entry, LedgerRow
from grader.store.results import Result
from grader.store.timeline import TimelineEntry
from grader.store.unchanged import PAST

__all__ = ["PastHistory", "as_of"]


class PastHistory:
    """What can be asked of the past: what is worked out from sealed rows alone.

    The standing, the queue and the roster know only the present, and are not asked here.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def results(self, *, assignment: str, students: Collection[str] = ()) -> Iterator[Result]:
        """As `History.results`, of all works, dropped ones among them.

        Read to the end while the past is open.
        """
        return results.results(self._session, assignment=assignment, students=students, with_dropped=True)

    def timeline(self, student: str, assignment: str) -> list[TimelineEntry]:
        """As `History.timeline`."""
        return timeline.of_work(self._session, student, assignment)


@contextmanager
def as_of(session: Session, seq: int) -> Iterator[PastHistory]:
    """Leaves rows of the history with a later number out of all that the session reads meanwhile.

    Args:
        session: To read by.
        seq: Number of the newest row that counts.
    """
    models = [mapper.class_ for mapper in Base.registry.mappers]
    early = [
        with_loader_criteria(model, model.seq <= seq, include_aliases=True)
        for model in models
        if issubclass(model, (Entry, LedgerRow)) and model is not Entry
    ]

    def leave_out(state: ORMExecuteState) -> None:
        if state.is_select:
            state.statement = state.statement.options(*early)

    event.listen(session, "do_orm_execute", leave_out)
    session.info[PAST] = seq
    try:
        yield PastHistory(session)
    finally:
        del session.info[PAST]
        event.remove(session, "do_orm_execute", leave_out)
