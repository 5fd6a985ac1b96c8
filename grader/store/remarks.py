"""Remark requests in the history: opened, acted upon, read back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.grading.remarks import Action, Kind, State, state_after
from grader.store.models import LedgerRow, RemarkActionRow, RemarkRow

__all__ = ["Remark", "Step", "find_remark", "remarks"]


@dataclass(frozen=True)
class Step:
    """One action on a request, with its seal's who and when."""

    action: Action
    by: str
    at: datetime
    points: float | None
    reason: str


@dataclass(frozen=True)
class Remark:
    """A remark request with all that became of it."""

    row: RemarkRow
    opened_by: str
    opened_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def id(self) -> int:
        return self.row.seq

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def state(self) -> State:
        return state_after(step.action for step in self.steps)

    @property
    def decision(self) -> Step | None:
        """The newest decision; a rejection leaves the mark as it was and is none."""
        decided = [step for step in self.steps if step.action is Action.DECIDE]
        return decided[-1] if decided else None


def remarks(
    session: Session, *, assignment: str | None = None, student: str | None = None, id: int | None = None
) -> list[Remark]:
    """Requests in the order in which they were opened."""
    query = select(RemarkRow, LedgerRow).join(LedgerRow, LedgerRow.seq == RemarkRow.seq)
    for column, wanted in ((RemarkRow.assignment, assignment), (RemarkRow.student, student)):
        if wanted is not None:
            query = query.where(column == wanted)
    if id is not None:
        query = query.where(RemarkRow.seq == id)
    opened = session.execute(query.order_by(RemarkRow.seq)).all()
    steps = _steps(session)
    return [Remark(row, seal.actor, seal.at, tuple(steps[row.seq])) for row, seal in opened]


def find_remark(session: Session, id: int) -> Remark | None:
    return next(iter(remarks(session, id=id)), None)


def _steps(session: Session) -> dict[int, list[Step]]:
    query = (
        select(RemarkActionRow, LedgerRow)
        .join(LedgerRow, LedgerRow.seq == RemarkActionRow.seq)
        .order_by(RemarkActionRow.seq)
    )
    steps: dict[int, list[Step]] = defaultdict(list)
    for row, seal in session.execute(query):
        steps[row.request].append(Step(Action(row.action), seal.actor, seal.at, row.points, row.reason))
    return steps
