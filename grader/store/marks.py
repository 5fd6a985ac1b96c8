"""Marks that people gave: written, and read back as the decisions that a mark stands on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, or_, select, type_coerce
from sqlalchemy.orm import Session

from grader.grading.marks import Decision
from grader.store import ledger
from grader.store.ledger import Signature
from grader.store.models import AttemptRow, BulkMarkRow, LedgerRow, MarkRow, VerdictRow
from grader.store.records import AnyRow, Record
from grader.store.types import Mention
from grader.store.unchanged import of_change

__all__ = [
    "DECIDED",
    "About",
    "BulkMarkRecord",
    "Given",
    "MarkRecord",
    "decisions",
    "files_read",
    "give",
    "give_alike",
    "mentions",
]

#: Under which a session keeps marks that it gave, as `Given`, by the number of their row.
DECIDED = "decided"
_DECIDED = (
    select(MarkRow, LedgerRow, VerdictRow.rubric)
    .join(LedgerRow, LedgerRow.seq == MarkRow.seq)
    .outerjoin(VerdictRow, VerdictRow.seq == MarkRow.verdict)
    .order_by(MarkRow.seq)
)
# Made once: each look at a work asks it, and to put it together takes longer than to ask.
_DECIDED_ON = _DECIDED.where(
    MarkRow.assignment == bindparam("assignment"), MarkRow.student.in_(bindparam("students", expanding=True))
)
# Made once: each look at a marked work asks one, and to put it together takes longer than to ask.
_BODY = select(VerdictRow.body).where(VerdictRow.seq == bindparam("verdict"))
#: Of a rubric's verdicts so many are tried for one that can be read.
_READ_FOR_WORTH = 5
_BODIES_BY = (
    select(VerdictRow.body)
    .where(VerdictRow.rubric == bindparam("rubric"))
    .order_by(VerdictRow.seq)
    .limit(_READ_FOR_WORTH)
)


@dataclass(frozen=True, kw_only=True)
class MarkRecord(Record):
    """Points that a person gave for one criterion.

    Attributes:
        points: None takes the TA's earlier marks back, so that what was before them counts again.
        verdict: Number of the newest verdict when it was given, None where there was none.
        request: Number of the remark request that it answers; None for a TA's own mark.
        undoes: Number of an earlier decision that it undoes, and that alone; `points` is None then.
        seen_verdict: Number of the verdict that the giver had on screen; None where they did not say.
        seen_mark: With it, of the mark that was shown; None where there was none.
    """

    student: str
    assignment: str
    criterion: str
    points: float | None
    comment: str
    verdict: int | None
    request: int | None = None
    undoes: int | None = None
    seen_verdict: int | None = None
    seen_mark: int | None = None


@dataclass(frozen=True)
class About:
    """One of the submissions that a decision is about, as whoever decided saw it.

    Attributes:
        verdict: Number of the verdict that they had before them.
        mark: Number of the newest mark that they had before them.
    """

    student: str
    verdict: int | None
    mark: int | None


@dataclass(frozen=True, kw_only=True)
class BulkMarkRecord(Record):
    """Points that a person gave for one criterion of several submissions at once.

    Attributes:
        points: For each of them; None for what undoes another.
        undoes: Number of the one that it undoes as a whole.
    """

    assignment: str
    criterion: str
    points: float | None
    comment: str
    about: tuple[About, ...]
    undoes: int | None = None

    @classmethod
    def columns_of(cls, row: AnyRow) -> dict[str, Any]:
        columns = super().columns_of(row)
        return columns | {"about": tuple(About(*each) for each in columns["about"])}

    @property
    def columns(self) -> dict[str, Any]:
        """What a row is made of."""
        about = tuple((each.student, each.verdict, each.mark) for each in self.about)
        return {**super().columns, "about": about}


@dataclass(frozen=True)
class Given:
    """A decision of this transaction about one work, and the verdict that it was given on.

    What the criterion was worth is left open in `decision`.
    """

    assignment: str
    student: str
    verdict: int | None
    decision: Decision


def give(session: Session, mark: MarkRecord, signature: Signature) -> int:
    """Writes a mark.

    Returns:
        Its number.
    """
    seq = ledger.append(session, MarkRow(**mark.columns), signature).seq
    _note(session, seq, mark, signature, (About(mark.student, mark.verdict, None),))
    return seq


def give_alike(session: Session, marks: BulkMarkRecord, signature: Signature) -> int:
    """Writes one decision about several submissions as one row, under one seal.

    Returns:
        Its number.
    """
    seq = ledger.append(session, BulkMarkRow(**marks.columns), signature).seq
    _note(session, seq, marks, signature, marks.about)
    return seq


def _note(
    session: Session,
    seq: int,
    given: MarkRecord | BulkMarkRecord,
    signature: Signature,
    about: Sequence[About],
) -> None:
    """Keeps what `decisions` would read of a row that was just written."""
    decision = Decision(
        seq,
        given.criterion,
        None if given.points is None else float(given.points) + 0.0,
        signature.actor,
        signature.at.astimezone(UTC),
        given.comment,
        given.request if isinstance(given, MarkRecord) else None,
        given.undoes,
        len(about),
    )
    noted: dict[int, list[Given]] = session.info.setdefault(DECIDED, {})
    noted[seq] = [Given(given.assignment, each.student, each.verdict, decision) for each in about]


def decisions(
    session: Session,
    *,
    assignment: str | None = None,
    students: Collection[str] = (),
    several: bool = True,
) -> dict[tuple[str, str], list[Decision]]:
    """All decisions on marks, oldest first, by assignment and student.

    Args:
        session: To read by.
        assignment: On which work; on any where it is None.
        students: Whose; of all where none is named.
        several: Whether there may be any about several works at once.
    """
    query, asked = _DECIDED, dict[str, Any]()
    if assignment is not None and students:
        query, asked = _DECIDED_ON, {"assignment": assignment, "students": list(students)}
    elif assignment is not None:
        query = query.where(MarkRow.assignment == assignment)
    elif students:
        query = query.where(MarkRow.student.in_(students))
    given: list[tuple[Given, int | None]] = []
    for row, seal, rubric in session.execute(query, asked):
        decision = Decision(
            row.seq, row.criterion, row.points, seal.actor, seal.at, row.comment, row.request, row.undoes
        )
        given.append((Given(row.assignment, row.student, row.verdict, decision), rubric))
    if several:
        given += _given_alike(session, list(_bulk_rows(session, assignment, students)), students)
    worth = _worth(session, [(rubric, each.verdict) for each, rubric in given if rubric is not None])
    found: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for each, judged_by in sorted(given, key=lambda pair: pair[0].decision.seq):
        out_of = worth.get(judged_by, {}).get(each.decision.criterion)
        found[each.assignment, each.student].append(replace(each.decision, out_of=out_of))
    return found


def _given_alike(
    session: Session, rows: Sequence[tuple[BulkMarkRow, LedgerRow]], students: Collection[str]
) -> Iterator[tuple[Given, int | None]]:
    """The same decision for each student that it is about, with the rubric that they were judged by."""
    decided = [
        (row, seal, about, len(everybody))
        for row, seal in rows
        for everybody in (BulkMarkRecord.of(row).about,)
        for about in everybody
        if not students or about.student in students
    ]
    judged = [about.verdict for _, _, about, _ in decided if about.verdict is not None]
    rubrics = {
        row.seq: row.rubric for row in _batches(session, select(VerdictRow.seq, VerdictRow.rubric), judged)
    }
    for row, seal, about, number in decided:
        decision = Decision(
            row.seq, row.criterion, row.points, seal.actor, seal.at, row.comment, None, row.undoes, number
        )
        given = Given(row.assignment, about.student, about.verdict, decision)
        yield given, rubrics.get(about.verdict)


def _worth(
    session: Session, judged: Sequence[tuple[int, int | None]]
) -> Mapping[int | None, Mapping[str, float]]:
    """What each criterion is worth by each rubric, as a verdict by it says; one is as good as another.

    Args:
        session: To read by.
        judged: Rubrics, each with a verdict by it.
    """
    near: dict[int, int | None] = {}
    for rubric, verdict in judged:
        near[rubric] = near.get(rubric) or verdict
    return {
        rubric: of_change(session, ("worth", rubric), partial(_worth_by, session, rubric, verdict))
        for rubric, verdict in near.items()
    }


def _worth_by(session: Session, rubric: int, near: int | None) -> Mapping[str, float]:
    """What each criterion is worth by one rubric; nothing where no verdict says it."""
    # Nearest to hand is a verdict that a mark stands on: no index leads from a rubric to its verdicts.
    for query, asked in ((_BODY, {"verdict": near}), (_BODIES_BY, {"rubric": rubric})):
        for body in session.connection().scalars(query, asked).all():
            if (said := _worth_in(body)) is not None:
                return said
    return {}


# The same few verdicts say it for each mark of a class.
@lru_cache(maxsize=64)
def _worth_in(body: str) -> Mapping[str, float] | None:
    """By criterion; None where the row holds no verdict."""
    try:
        return {each["criterion"]: float(each["out_of"]) for each in json.loads(body)["findings"]}
    except (ValueError, TypeError, KeyError):
        return None


def _bulk_rows(
    session: Session, assignment: str | None, students: Collection[str]
) -> Iterator[tuple[BulkMarkRow, LedgerRow]]:
    query = select(BulkMarkRow, LedgerRow).join(LedgerRow, LedgerRow.seq == BulkMarkRow.seq)
    if assignment is not None:
        query = query.where(BulkMarkRow.assignment == assignment)
    if students:
        query = query.where(mentions(students))
    rows = session.execute(query.order_by(BulkMarkRow.seq))
    return ((row[0], row[1]) for row in rows)


def mentions(students: Collection[str]) -> ColumnElement[bool]:
    """Whether a decision about several may be about one of these; its reader looks who it is about."""
    about = type_coerce(BulkMarkRow.about, Text())
    said = (about.like(bindparam(None, student, Mention()), escape="/") for student in students)
    return or_(*said)


_READ = (
    select(MarkRow.seq, MarkRow.student, AttemptRow.notebook)
    .join(VerdictRow, VerdictRow.seq == MarkRow.verdict)
    .join(AttemptRow, AttemptRow.seq == VerdictRow.attempt)
    .where(MarkRow.assignment.in_(bindparam("assignments", expanding=True)))
)
# Made once: each mark asks it, and to put it together takes longer than to ask.
_READ_OF = _READ.where(MarkRow.student.in_(bindparam("students", expanding=True)))


def files_read(
    session: Session,
    assignments: Collection[str],
    students: Collection[str] = (),
    given: Collection[int] = (),
) -> dict[tuple[int, str], str]:
    """Of each mark, by its number and the student, the digest of the file that its giver had before them.

    Args:
        session: To read by.
        assignments: Marks on which.
        students: Marks of whom; of all where none is named.
        given: Numbers of all marks that there are, where they are known.
    """
    asked: dict[str, Any] = {"assignments": list(assignments)}
    query, named = (_READ_OF, {"students": list(students)}) if students else (_READ, {})
    found = {
        (row.seq, row.student): row.notebook for row in session.connection().execute(query, asked | named)
    }
    if given and {seq for seq, _ in found} >= set(given):
        return found
    many = [
        (row.seq, about)
        for assignment in assignments
        for row, _ in _bulk_rows(session, assignment, students)
        for about in BulkMarkRecord.of(row).about
        if not students or about.student in students
    ]
    notebooks = _notebooks(session, [about.verdict for _, about in many if about.verdict is not None])
    for seq, about in many:
        if about.verdict in notebooks:
            found[seq, about.student] = notebooks[about.verdict]
    return found


def _notebooks(session: Session, verdicts: Sequence[int]) -> dict[int | None, str]:
    """The digest of the file that each verdict is on."""
    query = select(VerdictRow.seq, AttemptRow.notebook).join(AttemptRow, AttemptRow.seq == VerdictRow.attempt)
    return {row.seq: row.notebook for row in _batches(session, query, verdicts)}


def _batches(session: Session, query: Select[*tuple[Any, ...]], verdicts: Sequence[int]) -> Iterator[Any]:
    """What is asked of verdicts, read in batches that one query can take."""
    for first in range(0, len(verdicts), 500):
        yield from session.execute(query.where(VerdictRow.seq.in_(verdicts[first : first + 500])))
