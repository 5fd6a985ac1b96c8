"""One criterion through a whole class, from the standing: who waits, who was marked, on which verdict."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from grader.store.class_views import counts, size_of
from grader.store.models import BulkMarkRow, LedgerRow, MarkRow, VerdictRow
from grader.store.standing_tables import CriterionRow, StandingRow

__all__ = [
    "AlikeRow",
    "ClassRow",
    "GivenWith",
    "GraderRow",
    "OpenRow",
    "alike_to",
    "class_rows",
    "given_with",
    "graders",
    "open_rows",
]

_BATCH = 500


class ClassRow(NamedTuple):
    """Where one criterion of a student's work stands; what a person dropped is left out.

    Attributes:
        status: Of the finding, whoever decided.
        waits: 1 where points wait for a person, 2 where a person's mark answers an earlier file, else 0.
        mark: Number of the mark by a person that counts; None where none does.
        alike: Equal for findings that a person would decide in the same way.
        attempt: Its number; verdict: of the newest verdict on it; rubric: of the one that this stands on.
        state: Of the whole work, as `Standing` has it.
    """

    student: str
    criterion: str
    status: str
    points: float
    out_of: float
    pending: float
    waits: int
    mark: int | None
    alike: str
    attempt: int
    verdict: int
    rubric: int
    state: str


class OpenRow(NamedTuple):
    """One criterion of a student's work that waits.

    Attributes:
        waits: 1 where points wait for a person, 2 where a person's mark answers an earlier file.
        alike: Equal for findings that a person would decide in the same way.
    """

    student: str
    criterion: str
    alike: str
    pending: float
    waits: int


class AlikeRow(NamedTuple):
    """Somebody whose criterion is alike, with the points that count."""

    student: str
    points: float


class GraderRow(NamedTuple):
    """What one person gave for one criterion, over all works in which their mark counts.

    Attributes:
        works: How many.
        mean: Of the shares of the points, 0 to 1; squares: mean of their squares.
    """

    criterion: str
    by: str
    works: int
    mean: float
    squares: float


@dataclass(frozen=True)
class GivenWith:
    """The words of a mark, and who gave it."""

    comment: str
    by: str


def class_rows(
    session: Session,
    assignment: str,
    criterion: str,
    students: Collection[str] | None = None,
) -> list[ClassRow]:
    """A row for each student with a verdict, in their order; of those named only, where any are."""
    asked = {"assignment": assignment, "criterion": criterion}
    query, named = (_ROWS, {}) if students is None else (_ROWS_OF, {"students": list(students)})
    # All at once: a cursor that is asked for one row after another takes twice as long.
    return [ClassRow(*row) for row in session.connection().execute(query, asked | named).all()]


def _rows() -> Select[*tuple[Any, ...]]:
    criteria, works, verdicts = CriterionRow.__table__.c, StandingRow.__table__.c, VerdictRow.__table__.c
    own = ("student", "criterion", "status", "points", "out_of", "pending", "waits", "mark", "alike")
    return (
        select(*(criteria[name] for name in own), works.attempt, works.verdict, verdicts.rubric, works.state)
        .join(
            StandingRow.__table__,
            (works.assignment == criteria.assignment) & (works.student == criteria.student),
        )
        .join(VerdictRow.__table__, verdicts.seq == works.verdict)
        .where(criteria.assignment == bindparam("assignment"), criteria.criterion == bindparam("criterion"))
        .where(works.state != "dropped")
        .order_by(criteria.student)
    )


# Made once: each key asks it of one student, and to put it together takes longer than to ask.
_ROWS = _rows()
_ROWS_OF = _ROWS.where(CriterionRow.__table__.c.student.in_(bindparam("students", expanding=True)))


_ALIKE = (
    select(CriterionRow.__table__.c.student, CriterionRow.__table__.c.points)
    .join(
        StandingRow.__table__,
        (StandingRow.__table__.c.assignment == CriterionRow.__table__.c.assignment)
        & (StandingRow.__table__.c.student == CriterionRow.__table__.c.student),
    )
    .where(
        CriterionRow.__table__.c.assignment == bindparam("assignment"),
        CriterionRow.__table__.c.criterion == bindparam("criterion"),
        # All there are, so that the index is entered at those who are alike.
        CriterionRow.__table__.c.waits.in_((0, 1, 2)),
        CriterionRow.__table__.c.alike == bindparam("alike"),
        CriterionRow.__table__.c.student != bindparam("but"),
        StandingRow.__table__.c.state != "dropped",
    )
)
_ALIKE_FIRST = _ALIKE.order_by(CriterionRow.__table__.c.student).limit(bindparam("most"))
_ALIKE_COUNT = select(func.count()).select_from(_ALIKE.subquery())


#: The same where no work is dropped: whom, by the index alone, and of those few the points.
_LIKE = (
    CriterionRow.__table__.c.assignment == bindparam("assignment"),
    CriterionRow.__table__.c.criterion == bindparam("criterion"),
    CriterionRow.__table__.c.waits.in_((0, 1, 2)),
    CriterionRow.__table__.c.alike == bindparam("alike"),
    CriterionRow.__table__.c.student != bindparam("but"),
)
_WHO_FIRST = (
    select(CriterionRow.__table__.c.student)
    .where(*_LIKE)
    # By no index: SQLite would go through the whole class in the order of another one.
    .order_by(func.coalesce(CriterionRow.__table__.c.student, ""))
    .limit(bindparam("most"))
)
_HOW_MANY = select(func.count()).where(*_LIKE)
_FIRST_ALIKE = (
    select(CriterionRow.__table__.c.student, CriterionRow.__table__.c.points)
    .where(
        CriterionRow.__table__.c.assignment == bindparam("assignment"),
        CriterionRow.__table__.c.criterion == bindparam("criterion"),
        CriterionRow.__table__.c.student.in_(_WHO_FIRST.correlate(None)),
    )
    .order_by(CriterionRow.__table__.c.student)
)


def alike_to(
    session: Session, assignment: str, criterion: str, student: str, alike: str, *, most: int | None
) -> tuple[list[AlikeRow], int]:
    """The first others whose criterion is alike, by name, and how many there are; see `History.alike_to`."""
    asked = {"assignment": assignment, "criterion": criterion, "alike": alike, "but": student}
    connection = session.connection()
    if most is None:
        found = [AlikeRow._make(row) for row in connection.execute(_ALIKE, asked)]
        return found, len(found)
    if size_of(session, assignment) > counts(session, assignment).whole.get("all", 0):
        # Some are dropped, who are in the size and in no counter.
        first, number = _ALIKE_FIRST, _ALIKE_COUNT
    else:
        first, number = _FIRST_ALIKE, _HOW_MANY
    rows = connection.execute(first, asked | {"most": most}).all()
    return [AlikeRow._make(row) for row in rows], connection.execute(number, asked).scalar_one()


def open_rows(session: Session, assignment: str, students: Collection[str] | None = None) -> list[OpenRow]:
    """All that waits of an assignment; of the students named only, where any are."""
    columns = CriterionRow.__table__.c
    query = select(*(columns[name] for name in OpenRow._fields)).where(
        columns.assignment == assignment, columns.waits > 0
    )
    if students is not None:
        query = query.where(columns.student.in_(students))
    return [OpenRow._make(row) for row in session.execute(query)]


def graders(session: Session, assignment: str) -> list[GraderRow]:
    """Who gave how much for which criterion, by criterion and name; what was dropped is left out."""
    criteria, works = CriterionRow.__table__.c, StandingRow.__table__.c
    share = criteria.points / criteria.out_of
    query = (
        select(criteria.criterion, LedgerRow.actor, func.count(), func.avg(share), func.avg(share * share))
        .join(LedgerRow, LedgerRow.seq == criteria.mark)
        .join(
            StandingRow.__table__,
            (works.assignment == criteria.assignment) & (works.student == criteria.student),
        )
        .where(criteria.assignment == assignment, criteria.out_of > 0, works.state != "dropped")
        .group_by(criteria.criterion, LedgerRow.actor)
        .order_by(criteria.criterion, LedgerRow.actor)
    )
    return [GraderRow._make(row) for row in session.execute(query)]


def given_with(session: Session, marks: Collection[int]) -> dict[int, GivenWith]:
    """Comments of marks, and who gave them, by the marks' numbers."""
    found = dict[int, GivenWith]()
    for query in _GIVEN_WITH:
        # A number is that of one row, whatever it is of.
        listed = sorted(set(marks) - found.keys())
        for first in range(0, len(listed), _BATCH):
            rows = session.connection().execute(query, {"batch": listed[first : first + _BATCH]})
            found |= {seq: GivenWith(comment, by) for seq, comment, by in rows}
    return found


_GIVEN_WITH = [
    select(table.seq, table.comment, LedgerRow.actor)
    .join(LedgerRow, LedgerRow.seq == table.seq)
    .where(table.seq.in_(bindparam("batch", expanding=True)))
    for table in (MarkRow, BulkMarkRow)
]
