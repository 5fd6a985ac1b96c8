"""Marks across students: what a person gave last, and which comments were written for a criterion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from grader.store.changes import several_since
from grader.store.marks import About, BulkMarkRecord, MarkRecord
from grader.store.models import BulkMarkRow, LedgerRow, MarkRow

__all__ = ["CommentUsed", "GivenMark", "comments_on", "given_since", "newest_by"]

#: So many of a person's newest rows are looked through for one that is not undone.
_LOOKED_THROUGH = 200


@dataclass(frozen=True)
class GivenMark:
    """A mark as it was given: to one submission, or to several by one row.

    Attributes:
        seq: Its number in the history.
        bulk: Whether its row is about several.
    """

    seq: int
    criterion: str
    points: float | None
    comment: str
    about: tuple[About, ...]
    bulk: bool


@dataclass(frozen=True)
class CommentUsed:
    """A comment as it was written with these points.

    Attributes:
        count: How many submissions have it; what was undone is not counted.
        last: Number of the newest row that has it.
    """

    text: str
    points: float
    count: int
    last: int


def newest_by(
    session: Session, actor: str, assignment: str, criterion: str | None = None
) -> GivenMark | None:
    """The newest mark of a person's own that nobody has undone; answers to remark requests are none.

    Args:
        session: To read by.
        actor: Who gave it.
        assignment: On which work.
        criterion: Only for this one.
    """
    single = islice(_marks_by(session, actor, assignment, criterion), 1)
    many = islice(_bulk_by(session, actor, assignment, criterion), 1)
    return max([*single, *many], key=lambda mark: mark.seq, default=None)


def _marks_by(session: Session, actor: str, assignment: str, criterion: str | None) -> Iterator[GivenMark]:
    query = (
        select(MarkRow)
        .join(LedgerRow, LedgerRow.seq == MarkRow.seq)
        .where(LedgerRow.actor == actor, MarkRow.assignment == assignment)
        .where(MarkRow.request.is_(None), MarkRow.undoes.is_(None))
        .order_by(MarkRow.seq.desc())
        .limit(_LOOKED_THROUGH)
    )
    for row in session.scalars(query if criterion is None else query.where(MarkRow.criterion == criterion)):
        undoing = exists().where(MarkRow.assignment == assignment, MarkRow.undoes == row.seq)
        if not session.scalar(select(undoing)):
            yield _of_one(row)


def _bulk_by(session: Session, actor: str, assignment: str, criterion: str | None) -> Iterator[GivenMark]:
    query = (
        select(BulkMarkRow)
        .join(LedgerRow, LedgerRow.seq == BulkMarkRow.seq)
        .where(LedgerRow.actor == actor, BulkMarkRow.assignment == assignment, BulkMarkRow.undoes.is_(None))
        .order_by(BulkMarkRow.seq.desc())
        .limit(_LOOKED_THROUGH)
    )
    for row in session.scalars(
        query if criterion is None else query.where(BulkMarkRow.criterion == criterion)
    ):
        undoing = exists().where(BulkMarkRow.assignment == assignment, BulkMarkRow.undoes == row.seq)
        if not session.scalar(select(undoing)):
            yield _of_several(row)


RowT = TypeVar("RowT", MarkRow, BulkMarkRow)


def _after(table: type[RowT]) -> Select[RowT, str]:
    """Marks of a criterion after a row, each with its author."""
    return (
        select(table, LedgerRow.actor)
        .join(LedgerRow, LedgerRow.seq == table.seq)
        .where(table.assignment == bindparam("assignment"), table.criterion == bindparam("criterion"))
        .where(table.seq > bindparam("seq"))
        .order_by(table.seq)
    )


# Made once: each key of points asks them, and to put one together takes longer than to ask it.
_SINCE, _ALIKE_SINCE = _after(MarkRow), _after(BulkMarkRow)


def given_since(
    session: Session, assignment: str, criterion: str, seq: int
) -> list[tuple[str, GivenMark]] | None:
    """Marks of a criterion that were given after this row, each with its author, oldest first.

    Answers to remark requests are none; None where a row undoes another, since that changes what was before.
    """
    asked = {"assignment": assignment, "criterion": criterion, "seq": seq}
    found: list[tuple[str, GivenMark]] = []
    for row, by in session.execute(_SINCE, asked):
        if row.undoes is not None:
            return None
        if row.request is None:
            found.append((by, _of_one(row)))
    several = several_since(session, seq)
    for many, by in session.execute(_ALIKE_SINCE, asked) if several else ():
        if many.undoes is not None:
            return None
        found.append((by, _of_several(many)))
    return sorted(found, key=lambda each: each[1].seq)


def _of_one(row: MarkRow) -> GivenMark:
    record = MarkRecord.of(row)
    about = About(record.student, record.verdict, record.seen_mark)
    return GivenMark(row.seq, record.criterion, record.points, record.comment, (about,), bulk=False)


def _of_several(row: BulkMarkRow) -> GivenMark:
    record = BulkMarkRecord.of(row)
    return GivenMark(row.seq, record.criterion, record.points, record.comment, record.about, bulk=True)


def comments_on(session: Session, assignment: str, criterion: str) -> list[CommentUsed]:
    """Comments that marks of a criterion were given with, the most used first, then the newest.

    What answers a remark request speaks to one student, and is left out.
    """
    work = (MarkRow.assignment == assignment, MarkRow.criterion == criterion, MarkRow.request.is_(None))
    undone = select(MarkRow.undoes).where(*work, MarkRow.undoes.is_not(None))
    query = (
        select(MarkRow.comment, MarkRow.points, func.count(), func.max(MarkRow.seq))
        .where(*work, MarkRow.points.is_not(None), MarkRow.comment != "", MarkRow.seq.not_in(undone))
        .group_by(MarkRow.comment, MarkRow.points)
    )
    counts: Counter[tuple[str, float]] = Counter()
    last: dict[tuple[str, float], int] = {}
    rows: list[tuple[str, float, int, int]] = [tuple(row) for row in session.execute(query)]  # type: ignore[misc]
    for comment, points, count, newest in rows:
        counts[comment, points] += count
        last[comment, points] = newest
    for row in _alike_on(session, assignment, criterion):
        if row.points is not None and row.comment:
            key = row.comment, row.points
            counts[key] += len(BulkMarkRecord.of(row).about)
            last[key] = max(row.seq, last.get(key, 0))
    used = [CommentUsed(text, points, count, last[text, points]) for (text, points), count in counts.items()]
    return sorted(used, key=lambda each: (-each.count, -each.last))


def _alike_on(session: Session, assignment: str, criterion: str) -> list[BulkMarkRow]:
    """Decisions about several that nobody has undone."""
    query = select(BulkMarkRow).filter_by(assignment=assignment, criterion=criterion)
    rows = list(session.scalars(query.order_by(BulkMarkRow.seq)))
    undone = {row.undoes for row in rows if row.undoes is not None}
    return [row for row in rows if row.undoes is None and row.seq not in undone]
