"""Whether the triggers that keep the history append-only are in place, and no others beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Session

from grader.store.migrations.guards import REFUSE_CHANGE, postgresql_guards, sqlite_guards
from grader.store.models import Base, Entry, LedgerRow

__all__ = ["guard_problems"]

_SQLITE = "SELECT tbl_name, name, sql, 1 FROM sqlite_master WHERE type = 'trigger'"
# A trigger may also be switched off, or call a function of our function's name that does nothing.
_POSTGRESQL = """
    SELECT class.relname, trigger.tgname, pg_get_triggerdef(trigger.oid, true),
        trigger.tgenabled IN ('O', 'A') AND function.prosrc = :refuse_change
    FROM pg_trigger AS trigger
        JOIN pg_class AS class ON class.oid = trigger.tgrelid
        JOIN pg_proc AS function ON function.oid = trigger.tgfoid
    WHERE class.relnamespace = current_schema()::regnamespace AND NOT trigger.tgisinternal
"""


@dataclass(frozen=True)
class _Trigger:
    table: str
    made_by: str
    works: bool = True


def guard_problems(session: Session) -> list[str]:
    """What is wrong with the triggers, one sentence for each: gone, another one, or not ours."""
    expected, found = _expected(session), _found(session)
    problems = [
        f"the table {ours.table} can be changed: its trigger {name} "
        + ("is not the one that was made" if name in found else "is gone")
        for name, ours in expected.items()
        if found.get(name) != ours
    ]
    problems += [
        f"the table {other.table} has a trigger that the grader did not make: {name}"
        for name, other in found.items()
        if name not in expected
    ]
    return sorted(problems)


def _found(session: Session) -> dict[str, _Trigger]:
    if session.connection().dialect.name == "postgresql":
        listing = session.execute(text(_POSTGRESQL), {"refuse_change": REFUSE_CHANGE})
    else:
        listing = session.execute(text(_SQLITE))
    return {name: _Trigger(table, made_by, bool(works)) for table, name, made_by, works in listing}


def _expected(session: Session) -> dict[str, _Trigger]:
    postgresql = session.connection().dialect.name == "postgresql"
    return {
        name: _Trigger(table, made_by)
        for table, keys in _history_tables()
        for name, made_by in _guards(table, keys, postgresql).items()
    }


def _guards(table: str, keys: list[tuple[str, ...]], postgresql: bool) -> Mapping[str, str]:
    return postgresql_guards(table) if postgresql else sqlite_guards(table, keys)


def _history_tables() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Each table with the columns of its unique keys."""
    names = (
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, (LedgerRow, Entry))
    )
    for name in names:
        unique = (key for key in Base.metadata.tables[name].constraints if isinstance(key, UniqueConstraint))
        yield name, [tuple(column.name for column in key.columns) for key in unique]
