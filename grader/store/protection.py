"""Whether the triggers that keep the history append-only are still in place."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from grader.store.models import Base, Entry, LedgerRow

__all__ = ["missing_guards"]

_LISTING = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT event_object_table, event_manipulation FROM information_schema.triggers "
        "WHERE trigger_schema = current_schema()"
    ),
}


def missing_guards(session: Session) -> list[str]:
    """Tables of the history that could be changed, because a trigger is gone."""
    listing = session.execute(text(_LISTING[session.connection().dialect.name])).all()
    there = {(table, word) for table, said in listing for word in ("UPDATE", "DELETE") if word in said}
    kinds: list[type[Base]] = [mapper.class_ for mapper in Base.registry.mappers]
    tables = {kind.__tablename__ for kind in kinds if issubclass(kind, (LedgerRow, Entry))}
    return sorted(table for table in tables if not {(table, "UPDATE"), (table, "DELETE")} <= there)
