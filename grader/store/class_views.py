"""What a page asks of a whole class, answered from the standing at the cost of what it shows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BindParameter, Row, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from grader.store.models import AttemptRow, SubmissionRow, VerdictRow
from grader.store.standing_tables import BlockRow, CountRow, CriterionRow, LayoutRow, StandingRow
from grader.store.unchanged import of_change

if TYPE_CHECKING:
    from grader.grading.what_if import Distribution, Packed, WhatIf

__all__ = [
    "Counts",
    "CriterionStanding",
    "FileOn",
    "Standing",
    "counts",
    "files_on",
    "histogram",
    "next_waiting",
    "number_waiting",
    "packed_marks",
    "page",
    "rubrics_of",
    "size_of",
    "standings",
    "students_on",
    "students_waiting",
    "waits_of",
    "what_if",
]


class CriterionStanding(NamedTuple):
    """Where one criterion of a student's work stands.

    Attributes:
        status: Of the finding, whoever decided.
        waits: 1 where points wait for a person, 2 where a person's mark answers an earlier file, else 0.
        mark: Number of the mark by a person that counts; None where none does.
        alike: Equal for findings that a person would decide in the same way.
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


class Standing(NamedTuple):
    """Where a student's work on an assignment stands, as the history has it.

    Attributes:
        attempt, verdict: Numbers of the rows that count; None where there is none yet.
        outcome: Of the attempt; empty before the first.
        state: ``dropped``, ``not_run``, ``not_judged``, ``unreadable``, ``held``, ``waiting`` or ``settled``.
        late_points: What handing in late took off, as a positive number.
        waiting, marked: Criteria that wait for a person, and that a person decided.
        requests: Open remark requests.
        criteria: In the rubric's order.
    """

    assignment: str
    student: str
    attempt: int | None
    verdict: int | None
    outcome: str
    state: str
    points: float
    out_of: float
    pending: float
    late_points: float
    waiting: int
    marked: int
    requests: int
    criteria: tuple[CriterionStanding, ...] = ()


class FileOn(NamedTuple):
    """The number of the attempt that counts, None before the first; whether the newest file came late."""

    attempt: int | None
    late: bool


@dataclass(frozen=True)
class Counts:
    """How many students of an assignment something is true of.

    Attributes:
        whole: Of their work: ``all``, each state, and ``marked`` where a person decided something.
        criteria: Of each criterion: ``all``, each status, ``waits`` and ``marked``.
    """

    whole: Mapping[str, int]
    criteria: Mapping[str, Mapping[str, int]]


# Columns of tables, not of models: what is read in hundreds needs no object-relational mapping.
_STANDING = [StandingRow.__table__.c[name] for name in Standing._fields if name != "criteria"]
_CRITERION = [CriterionRow.__table__.c[name] for name in CriterionStanding._fields]
# Made once: lists ask them for each page of theirs, and to put one together takes longer than to ask it.
_NAMED: BindParameter[list[str]] = bindparam("students", expanding=True)
_WORK: BindParameter[str] = bindparam("assignment")
_STANDINGS = select(*_STANDING).where(StandingRow.assignment == _WORK, StandingRow.student.in_(_NAMED))
_CRITERIA = (
    select(*_CRITERION)
    .where(CriterionRow.assignment == _WORK, CriterionRow.student.in_(_NAMED))
    .order_by(CriterionRow.student, CriterionRow.place)
)
_PENDING = (
    select(CriterionRow.__table__.c.student, CriterionRow.__table__.c.criterion)
    .where(CriterionRow.assignment == _WORK, CriterionRow.student.in_(_NAMED), CriterionRow.pending > 0)
    .order_by(CriterionRow.student, CriterionRow.place)
)
_SIZE = select(func.count()).where(StandingRow.assignment == _WORK)
_STUDENTS_ON = (
    select(StandingRow.student)
    .where(StandingRow.assignment == _WORK)
    .order_by(StandingRow.student)
    .offset(bindparam("start"))
    .limit(bindparam("size"))
)
_NEWEST_FILES = select(SubmissionRow.student, SubmissionRow.late).where(
    SubmissionRow.seq.in_(
        select(func.max(SubmissionRow.seq))
        .where(SubmissionRow.assignment == _WORK, SubmissionRow.student.in_(_NAMED))
        .group_by(SubmissionRow.student)
    )
)
_ATTEMPT_NUMBERS = (
    select(StandingRow.student, AttemptRow.number)
    .outerjoin(AttemptRow, AttemptRow.seq == StandingRow.attempt)
    .where(StandingRow.assignment == _WORK, StandingRow.student.in_(_NAMED))
)


def page(
    session: Session, assignment: str, *, after: str, size: int, states: Collection[str], criteria: bool
) -> list[Standing]:
    """The next students by name; see `History.page`."""
    query = select(*_STANDING).where(StandingRow.assignment == assignment, StandingRow.student > after)
    if states:
        query = query.where(StandingRow.state.in_(states))
    rows = session.connection().execute(query.order_by(StandingRow.student).limit(size)).all()
    return _with_criteria(session, assignment, rows) if criteria else [Standing(*row) for row in rows]


def standings(
    session: Session, assignment: str, students: Collection[str], *, criteria: bool
) -> list[Standing]:
    """The standing of each of these students, in no order; see `History.standings`."""
    asked = {"assignment": assignment, "students": list(students)}
    rows = session.connection().execute(_STANDINGS, asked).all()
    return _with_criteria(session, assignment, rows) if criteria else [Standing(*row) for row in rows]


def waits_of(session: Session, assignment: str, students: Collection[str]) -> dict[str, list[str]]:
    """Of each of these students the criteria with points that wait; see `History.waits_of`."""
    asked = {"assignment": assignment, "students": list(students)}
    found: dict[str, list[str]] = {}
    for student, criterion in session.connection().execute(_PENDING, asked).all():
        found.setdefault(student, []).append(criterion)
    return found


def students_on(session: Session, assignment: str, *, start: int, size: int) -> list[str]:
    """So many students by name, from a place on; those whom a person dropped are among them."""
    asked = {"assignment": assignment, "start": start, "size": size}
    return list(session.connection().scalars(_STUDENTS_ON, asked).all())


def size_of(session: Session, assignment: str) -> int:
    """How many students handed something in, with those whom a person dropped."""
    asked = {"assignment": assignment}
    return of_change(session, ("size", assignment), lambda: session.connection().scalar(_SIZE, asked) or 0)


def students_waiting(session: Session, assignment: str) -> set[str]:
    """Whose work on an assignment waits for a person."""
    query = select(StandingRow.student).where(
        StandingRow.assignment == assignment, StandingRow.state == "waiting"
    )
    return set(session.scalars(query))


def number_waiting(session: Session, assignment: str, students: Collection[str]) -> int:
    """In how many works of these students something waits for a person."""
    query = select(func.count()).where(
        StandingRow.assignment == assignment,
        StandingRow.state == "waiting",
        StandingRow.student.in_(students),
    )
    return session.scalar(query) or 0


def rubrics_of(session: Session, assignment: str, students: Collection[str]) -> dict[str, int]:
    """By student the number of the rubric that the newest verdict stands on."""
    query = (
        select(StandingRow.student, VerdictRow.rubric)
        .join(VerdictRow, VerdictRow.seq == StandingRow.verdict)
        .where(StandingRow.assignment == assignment, StandingRow.student.in_(students))
    )
    return {row.student: row.rubric for row in session.execute(query)}


def files_on(session: Session, assignment: str, students: Collection[str]) -> dict[str, FileOn]:
    """Of each of these students the attempt that counts, and whether the newest file is late."""
    connection, asked = session.connection(), {"assignment": assignment, "students": list(students)}
    late = {student: bool(late) for student, late in connection.execute(_NEWEST_FILES, asked).all()}
    # No join: the history has tokens where the standing has names.
    numbers = connection.execute(_ATTEMPT_NUMBERS, asked).all()
    return {student: FileOn(number, late[student]) for student, number in numbers}


def _with_criteria(session: Session, assignment: str, rows: Sequence[Row[Any]]) -> list[Standing]:
    found = _criteria(session, assignment, [row.student for row in rows])
    return [Standing._make((*row, tuple(found[row.student]))) for row in rows]


def _criteria(
    session: Session, assignment: str, students: Sequence[str]
) -> dict[str, list[CriterionStanding]]:
    found: dict[str, list[CriterionStanding]] = {student: [] for student in students}
    asked = {"assignment": assignment, "students": list(students)}
    rows = session.connection().execute(_CRITERIA, asked).all()
    for row in map(CriterionStanding._make, rows):
        found[row.student].append(row)
    return found


def next_waiting(
    session: Session, assignment: str, criterion: str, *, after: CriterionStanding | None, number: int
) -> list[CriterionStanding]:
    """The next items that wait, like beside like; see `History.next_waiting`."""
    query = select(*_CRITERION).where(
        CriterionRow.assignment == assignment, CriterionRow.criterion == criterion, CriterionRow.waits > 0
    )
    if after is not None:
        place = (CriterionRow.waits, CriterionRow.alike, CriterionRow.student)
        query = query.where(tuple_(*place) > (after.waits, after.alike, after.student))
    query = query.order_by(CriterionRow.waits, CriterionRow.alike, CriterionRow.student).limit(number)
    return list(map(CriterionStanding._make, session.connection().execute(query)))


def counts(session: Session, assignment: str) -> Counts:
    """The counters of an assignment."""
    return of_change(session, ("counts", assignment), lambda: _counts(session, assignment))


def _counts(session: Session, assignment: str) -> Counts:
    query = select(CountRow.criterion, CountRow.what, CountRow.number).where(
        CountRow.assignment == assignment, CountRow.number > 0
    )
    found: dict[str, dict[str, int]] = {"": {}}
    for criterion, what, number in session.connection().execute(query):
        found.setdefault(criterion, {})[what] = number
    return Counts(found.pop(""), found)


def histogram(session: Session, assignment: str, *, bins: int) -> Distribution:
    """How the marks of an assignment are spread, lateness taken off."""
    import numpy as np

    from grader.grading.what_if import distribution

    query = (
        select(StandingRow.out_of, StandingRow.points, func.count())
        .where(StandingRow.assignment == assignment, StandingRow.counted == 1)
        .group_by(StandingRow.out_of, StandingRow.points)
    )
    classes: dict[float, list[tuple[float, int]]] = {}
    for out_of, points, number in session.connection().execute(query):
        classes.setdefault(out_of, []).append((points, number))
    spread = [
        (np.repeat(*map(np.asarray, zip(*marks, strict=True))), out_of) for out_of, marks in classes.items()
    ]
    return distribution(spread, bins=bins)


def what_if(session: Session, assignment: str, weights: Mapping[str, float], *, bins: int) -> WhatIf:
    """What other weights would come to; see `History.what_if`."""
    from grader.grading.what_if import what_if as reckon

    return reckon(_packed(session, assignment), weights, bins=bins)


def packed_marks(session: Session, assignment: str) -> list[Packed]:
    """The marks by which `what_if` reckons; see `History.packed_marks`."""
    from grader.grading.what_if import in_no_order

    def ask() -> list[Packed]:
        return [in_no_order(each) for each in _packed(session, assignment)]

    return of_change(session, ("packed marks", assignment), ask)


def _packed(session: Session, assignment: str) -> list[Packed]:
    from grader.grading.what_if import Packed

    connection = session.connection()
    blocks: dict[str, list[bytes]] = {}
    kept = select(BlockRow.layout, BlockRow.marks).where(BlockRow.assignment == assignment)
    for layout, marks in connection.execute(kept.order_by(BlockRow.layout, BlockRow.block)):
        blocks.setdefault(layout, []).append(marks)
    layouts = select(LayoutRow.layout, LayoutRow.criteria).where(LayoutRow.assignment == assignment)
    laid_out = {layout: json.loads(criteria) for layout, criteria in connection.execute(layouts)}
    return [Packed(b"".join(marks), *zip(*laid_out[layout], strict=True)) for layout, marks in blocks.items()]
