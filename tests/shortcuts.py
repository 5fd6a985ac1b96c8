"""What thousands of tests do alike is done once: the tables of a new file, and the tree of commands.

Both come of the product's own code, at its first use in this process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import pytest
import typer.main
from sqlalchemy import Connection, create_engine, text

from grader.store import schema

__all__ = ["Made", "made", "shortcuts"]

_migrate = schema.migrate


@contextmanager
def shortcuts() -> Iterator[None]:
    """Takes them meanwhile; a database that has tables already, and one of a server, is migrated as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "migrate", _make)
        # Typer reads the types of all parameters of all commands anew each time that one is run.
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


class Made(NamedTuple):
    """What the migrations leave in an empty SQLite database.

    Attributes:
        statements: That make its tables; none where a migration writes rows that `_make` knows nothing of,
            so that each file is migrated.
        secrets: Names of the secrets, each drawn by chance.
    """

    statements: tuple[str, ...]
    secrets: tuple[str, ...]


@cache
def made() -> Made:
    """Of the newest schema."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        _migrate(connection)
        names = "SELECT sql FROM sqlite_master WHERE sql NOT NULL"
        statements = tuple(connection.scalars(text(names)))
        kept = tuple(tuple(row) for row in connection.execute(text("SELECT name, value FROM secrets")))
        held = {name for name in _tables(connection) if connection.scalar(text(f"SELECT 1 FROM {name}"))}
    engine.dispose()
    is_known = held == {"alembic_version", "secrets"} and all(len(value) == 64 for _, value in kept)
    return Made(statements if is_known else (), tuple(name for name, _ in kept))


def _make(connection: Connection, to: str = schema.REVISIONS[-1]) -> None:
    other = connection.dialect.name != "sqlite" or to != schema.REVISIONS[-1] or _tables(connection)
    if other or not made().statements:
        _migrate(connection, to)
        return
    for statement in made().statements:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (schema.REVISIONS[-1],))
    for name in made().secrets:
        row = (name, secrets.token_hex(32))
        connection.exec_driver_sql("INSERT INTO secrets (name, value) VALUES (?, ?)", row)


def _tables(connection: Connection) -> list[str]:
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return list(connection.scalars(text(named)))
