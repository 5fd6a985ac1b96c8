"""Where the standing is not what the history says: for `grader audit`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.store.models import Base, SubmissionRow
from grader.store.standing_rows import OWN, Columns, blocks_of, policy_of, projections, table_of
from grader.store.standing_tables import BlockRow, CountRow, CriterionRow, LayoutRow, PolicyRow, StandingRow

__all__ = ["differences"]


def differences(session: Session) -> Iterator[str]:
    """Where the standing is not what the history says, one line each."""
    names = set(session.scalars(select(SubmissionRow.assignment).distinct()))
    kept = {model: set(session.scalars(select(model.assignment).distinct())) for model in OWN}
    for assignment in sorted(names.union(*kept.values())):
        yield from _differences_of(session, assignment)


def _differences_of(session: Session, assignment: str) -> Iterator[str]:
    should: dict[type[Base], dict[tuple[Any, ...], Columns]] = defaultdict(dict)
    counts: Counter[tuple[str, str]] = Counter()
    for each in projections(session, assignment, ()):
        _enter(should, StandingRow, each.standing)
        for row in each.criteria:
            _enter(should, CriterionRow, row)
        if each.layout is not None:
            _enter(should, LayoutRow, each.layout)
        counts.update(each.counts)
    whole = sorted(should[StandingRow].values(), key=lambda row: row["student"])
    for row in blocks_of(
        assignment, [(row["block"], row["layout"], row["packed"]) for row in whole if row["counted"]]
    ):
        _enter(should, BlockRow, row)
    for (criterion, what), number in counts.items():
        row = {"assignment": assignment, "criterion": criterion, "what": what, "number": number}
        _enter(should, CountRow, row)
    if late := policy_of(session, assignment):
        _enter(should, PolicyRow, {"assignment": assignment, "late": late})
    for model in OWN:
        yield from _unequal(model, should[model], _stored(session, model, assignment))


def _may_be_more(model: type[Base], row: Columns) -> bool:
    """Layouts that no mark stands on any more, counters at nothing, no policy: they say nothing."""
    return model is LayoutRow or row.get("number") == 0 or row.get("late") == ""


def _unequal(
    model: type[Base], should: Mapping[tuple[Any, ...], Columns], found: Mapping[tuple[Any, ...], Columns]
) -> Iterator[str]:
    table = model.__tablename__
    for key in sorted({*should, *found}, key=str):
        where, mine, theirs = f"{table}, {', '.join(map(str, key))}", should.get(key), found.get(key)
        if mine is None:
            assert theirs is not None
            if not _may_be_more(model, theirs):
                yield f"{where}: the history has nothing of this"
        elif theirs is None:
            yield f"{where}: it is missing"
        else:
            for name in (name for name in mine if mine[name] != theirs[name]):
                yield f"{where}: {name} is {theirs[name]!r:.60}, and {mine[name]!r:.60} by the history"


def _enter(into: dict[type[Base], dict[tuple[Any, ...], Columns]], model: type[Base], row: Columns) -> None:
    into[model][_key(model, row)] = row


def _key(model: type[Base], row: Columns) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table_of(model).primary_key)


def _stored(session: Session, model: type[Base], assignment: str) -> dict[tuple[Any, ...], Columns]:
    table = table_of(model)
    found = session.execute(select(table).where(table.c.assignment == assignment)).mappings()
    return {_key(model, dict(row)): dict(row) for row in found}
