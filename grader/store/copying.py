"""Every row of a database in a new one, of the same kind or the other: SQLite and PostgreSQL hold the same.

What stands in a column is copied as it stands, not as it reads: tokens stay tokens, seals keep their digests,
and an audit of the copy comes to the same as one of the original.
"""

from __future__ import annotations

from sqlalchemy import Connection, TypeDecorator, column, func, insert, select, table
from sqlalchemy.sql.expression import TableClause

from grader.store.models import Base

__all__ = ["copy_rows"]

_AT_ONCE = 1_000


def copy_rows(source: Connection, target: Connection) -> None:
    """Copies all rows within the two transactions that are open.

    Args:
        source: Of one moment, with this version's schema.
        target: With this version's schema, newly made: what its migrations put there is replaced.
    """
    ours = [_as_stored(each.name) for each in Base.metadata.sorted_tables]
    for each in reversed(ours):
        if target.scalar(select(func.count()).select_from(each)):
            target.execute(each.delete())
    for each in ours:
        rows = source.execution_options(stream_results=True).execute(select(each)).mappings()
        for some in rows.partitions(_AT_ONCE):
            target.execute(insert(each), [dict(row) for row in some])
    if target.dialect.name == "postgresql":
        _count_on(target)


def _as_stored(name: str) -> TableClause:
    """A table whose columns have the types that the database keeps, so that values stay as they are."""
    columns = []
    for each in Base.metadata.tables[name].columns:
        kind = each.type.impl if isinstance(each.type, TypeDecorator) else each.type
        columns.append(column(each.name, kind))
    return table(name, *columns)


def _count_on(target: Connection) -> None:
    """Sets the counters that give new rows their numbers behind the rows that were copied."""
    for each in Base.metadata.sorted_tables:
        key = each.autoincrement_column
        if key is None:
            continue
        counter = target.scalar(select(func.pg_get_serial_sequence(each.name, key.name)))
        newest = target.scalar(select(func.max(column(key.name))).select_from(table(each.name)))
        if counter is not None and newest is not None:
            target.execute(select(func.setval(counter, newest)))
