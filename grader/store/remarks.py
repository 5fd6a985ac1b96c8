"""Remark requests in the history: opened, acted upon, read back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from grader.grading.remarks import state_after
from grader.grading.requests import Action, Kind, State
from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import ErasureRow, LedgerRow, RemarkActionRow, RemarkRow
from grader.store.moments import writes_alone
from grader.store.records import AnyRow, Record
from grader.store.silence import is_silent
from grader.store.unchanged import of_change

__all__ = ["Remark", "RemarkRecord", "Step", "StepRecord", "add_step", "find", "open_request", "requests"]


@dataclass(frozen=True, kw_only=True)
class RemarkRecord(Record):
    """A remark request as it is opened.

    Attributes:
        criterion: Empty for a counting error, which concerns the sum.
        sentence: The policy's sentence that the requester accepted.
        late_because: Why a TA took it after the date; empty where it was in time.
        points_before: The mark in question, of the criterion or of all.
        verdict: Number of the verdict that this mark stands on.
    """

    student: str
    assignment: str
    criterion: str
    kind: Kind
    reason: str
    sentence: str
    late_because: str
    points_before: float
    out_of: float
    verdict: int

    @classmethod
    def columns_of(cls, row: AnyRow) -> dict[str, Any]:
        columns = super().columns_of(row)
        return columns | {"kind": Kind(columns["kind"])}


@dataclass(frozen=True, kw_only=True)
class StepRecord(Record):
    """One action on a request, which it names by number; `points` for decisions only."""

    request: int
    action: Action
    points: float | None = None
    reason: str = ""

    @classmethod
    def columns_of(cls, row: AnyRow) -> dict[str, Any]:
        columns = super().columns_of(row)
        return columns | {"action": Action(columns["action"])}


@dataclass(frozen=True, kw_only=True)
class Step(StepRecord):
    """One action on a request, with its number and its seal's who and when."""

    seq: int
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Remark(RemarkRecord):
    """A remark request with all that became of it."""

    id: int
    opened_by: str
    opened_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State:
        return state_after(step.action for step in self.steps)

    @property
    def decision(self) -> Step | None:
        """The newest decision; a rejection leaves the mark as it was and is none."""
        decided = [step for step in self.steps if step.action is Action.DECIDE]
        return decided[-1] if decided else None

    @property
    def about(self) -> tuple[Kind, str]:
        """What no two open requests of a student on an assignment share."""
        return self.kind, self.criterion


def open_request(session: Session, remark: RemarkRecord, signature: Signature) -> int:
    """Writes a request; its number is its id."""
    row = RemarkRow(**{**remark.columns, "kind": remark.kind.value})
    return ledger.append(session, row, signature).seq


def add_step(session: Session, step: StepRecord, signature: Signature) -> None:
    row = RemarkActionRow(**{**step.columns, "action": step.action.value})
    ledger.append(session, row, signature)


#: Rows that change what is said of requests: their own, and those by which somebody is called otherwise.
_CHANGING = (RemarkRow, RemarkActionRow, ErasureRow)
# Columns, as objects of rows cost more and nobody changes them.
_SEAL = (LedgerRow.__table__.c.actor, LedgerRow.__table__.c.at)
_REQUESTS = (
    select(*(RemarkRow.__table__.c[name] for name in ("seq", *RemarkRecord.__dataclass_fields__)), *_SEAL)
    .join(LedgerRow.__table__, LedgerRow.__table__.c.seq == RemarkRow.__table__.c.seq)
    .order_by(RemarkRow.__table__.c.seq)
)
# Made once: each look at a work asks it, and to put it together takes longer than to ask.
_REQUESTS_OF = _REQUESTS.where(
    RemarkRow.assignment == bindparam("assignment"),
    RemarkRow.student.in_(bindparam("students", expanding=True)),
)
_REQUEST = _REQUESTS.where(RemarkRow.seq == bindparam("id"))
_STEPS = (
    select(*(RemarkActionRow.__table__.c[name] for name in ("seq", *StepRecord.__dataclass_fields__)), *_SEAL)
    .join(LedgerRow.__table__, LedgerRow.__table__.c.seq == RemarkActionRow.__table__.c.seq)
    .order_by(RemarkActionRow.__table__.c.seq)
)
_STEPS_OF = _STEPS.where(RemarkActionRow.request.in_(bindparam("requests", expanding=True)))


def requests(
    session: Session,
    *,
    assignment: str | None = None,
    student: str | None = None,
    students: Collection[str] = (),
    id: int | None = None,
) -> list[Remark]:
    """Requests in the order in which they were opened."""
    named = list(students) or ([] if student is None else [student])
    if assignment is not None and named and id is None and not (students and student is not None):
        if len(named) > 1:
            return _requests_on(session, assignment, named)
        asked = ("requests", assignment, named[0])
        if writes_alone(session):
            # A mark is refused where a request is open, and its standing counts requests.
            return list(
                ledger.until_added(
                    session, _CHANGING, asked, lambda: _requests_on(session, assignment, named)
                )
            )
        if is_silent(session, RemarkRow, assignment, named[0]):
            return []
        return list(of_change(session, asked, lambda: _requests_on(session, assignment, named)))
    filters = ((RemarkRow.assignment, assignment), (RemarkRow.student, student), (RemarkRow.seq, id))
    meant = [column == wanted for column, wanted in filters if wanted is not None]
    if students:
        meant.append(RemarkRow.student.in_(students))
    opened = session.connection().execute(_REQUESTS.where(*meant)).all()
    return _with_steps(session, opened, select(RemarkRow.seq).where(*meant))


def _requests_on(session: Session, assignment: str, students: list[str]) -> list[Remark]:
    asked = {"assignment": assignment, "students": students}
    opened = session.connection().execute(_REQUESTS_OF, asked).all()
    return _with_steps(session, opened, [row.seq for row in opened])


def _with_steps(
    session: Session, opened: Sequence[Row[*tuple[Any, ...]]], of: Select[int] | list[int]
) -> list[Remark]:
    # Most works were never asked about, and each mark asks whether this one was.
    steps = _steps(session, of) if opened else {}
    return [
        Remark(
            **RemarkRecord.columns_of(row),
            id=row.seq,
            opened_by=row.actor,
            opened_at=row.at,
            steps=tuple(steps.get(row.seq, ())),
        )
        for row in opened
    ]


def find(session: Session, id: int) -> Remark | None:
    return of_change(session, ("request", id), lambda: _find(session, id))


def _find(session: Session, id: int) -> Remark | None:
    opened = session.connection().execute(_REQUEST, {"id": id}).all()
    return next(iter(_with_steps(session, opened, [id])), None)


def _steps(session: Session, of: Select[int] | list[int]) -> dict[int, list[Step]]:
    """By request, oldest first."""
    if isinstance(of, list):
        found = session.connection().execute(_STEPS_OF, {"requests": of})
    else:
        found = session.connection().execute(_STEPS.where(RemarkActionRow.request.in_(of)))
    steps: dict[int, list[Step]] = defaultdict(list)
    for row in found.all():
        steps[row.request].append(Step(**StepRecord.columns_of(row), seq=row.seq, by=row.actor, at=row.at))
    return steps
