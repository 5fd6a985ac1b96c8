"""Whether a database has the tables that the models describe."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

__all__ = ["differences"]


def differences(connection: Connection, models: MetaData) -> list[Any]:
    """What differs; a thing marked ``info={"only": DIALECT}`` counts in that kind of database alone."""
    dialect = connection.dialect.name

    def counts(thing: Any, *_: Any) -> bool:
        return bool(thing.info.get("only", dialect) == dialect)

    options = {"compare_type": True, "include_object": counts}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), models))
