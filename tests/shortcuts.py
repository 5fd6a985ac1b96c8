"""What thousands of tests do alike is done once: a new file's tables, SQL, the trees of commands and pages.

All come of the product's own code, at its first use in this process. And nothing waits for the disk.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import typer.main
from sqlalchemy import Connection, Dialect, Engine, create_engine, text
from sqlalchemy.util import LRUCache, memoized_property

from grader.store import engine as store_engine
from grader.store import schema

if TYPE_CHECKING:
    from litestar import Litestar

    from grader.web.site import Server

__all__ = ["PRAGMAS", "Made", "made", "shortcuts"]

_migrate = schema.migrate
#: What each connection to a file begins with outside tests.
PRAGMAS = store_engine._PRAGMAS
_QUERIES = 500
#: Of all engines, by kind of database and query.
_COMPILED: dict[Any, Any] = {}


@contextmanager
def shortcuts() -> Iterator[None]:
    """Takes them meanwhile; a database that has tables already, and one of a server, is migrated as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "migrate", _make)
        patch.setattr(store_engine, "create_engine", _engine)
        # No test pulls the plug; those that kill processes do so to processes of their own.
        patch.setattr(store_engine, "_PRAGMAS", ("synchronous=OFF", *PRAGMAS[1:]))
        patch.setattr(os, "fsync", lambda _handle: None)
        # Typer reads the types of all parameters of all commands anew each time that one is run.
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        if (web := sys.modules.get("grader.web.app")) is not None:
            # The framework reads the types of all parameters of all routes anew for each server.
            patch.setattr(web, "routes_of", _once_for_all_servers(web))
        yield


def _once_for_all_servers(web: ModuleType) -> Callable[..., Litestar]:
    """The pages of another server: all that they know of it, they ask of their application's state."""
    routes_of: Callable[..., Litestar] = web.routes_of
    made: list[Litestar] = []

    def routes(these: Sequence[Any], server: Server) -> Litestar:
        if these is not web.ROUTES:
            return routes_of(these, server)
        if not made:
            made.append(routes_of(these, server))
        app = copy(made[0])
        app.state = type(app.state)({"server": server})
        return app

    return routes


def _engine(url: Any, **options: Any) -> Engine:
    """An engine that knows the SQL of what others were asked: else each new file compiles all of it anew."""
    engine = create_engine(url, **options)
    engine._compiled_cache = _Queries(_QUERIES)
    return engine


class _Queries(LRUCache[Any, Any]):
    """What an engine compiled, by dialect and query; what another did is taken over for its own dialect.

    Our column types know their database by the dialect, so that nothing worked out for one is another's.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        compiled = super().get(key, default)
        if compiled is None and (others := _COMPILED.get(_query(key))) is not None:
            compiled = self[key] = _taken_over(others, key[0])
        return compiled

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key, compiled)
        _COMPILED.setdefault(_query(key), compiled)


def _query(key: Any) -> Any:
    return type(key[0]), *key[1:]


def _taken_over(compiled: Any, dialect: Dialect) -> Any:
    mine = copy(compiled)
    mine.dialect = dialect
    mine._cached_metadata = None
    for name in [
        name for name in vars(mine) if isinstance(getattr(type(mine), name, None), memoized_property)
    ]:
        del vars(mine)[name]
    return mine


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
