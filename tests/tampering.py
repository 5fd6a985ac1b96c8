"""A history of marks, and changing it behind the grader's back."""

from __future__ import annotations

import sqlite3

from sqlalchemy import text

from grader.store import Signature, Store, ledger
from grader.store.models import Base, Entry, LedgerRow, MarkRow

#: Tables of the history.
HISTORY = sorted(
    mapper.class_.__tablename__
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, (Entry, LedgerRow))
)


def mark(student: str = "s1", points: float = 3.0, comment: str = "sound reason") -> MarkRow:
    return MarkRow(
        student=student, assignment="lab2", criterion="why", points=points, comment=comment, verdict=None
    )


def write(store: Store, *rows: Entry) -> None:
    with store.database.writing() as session:
        for row in rows:
            ledger.append(session, row, Signature("ta", store.clock(), "test"))


def directly(store: Store, *statements: str) -> None:
    """Runs statements as another program would, on either kind of database."""
    if store.database.engine.dialect.name == "postgresql":
        with store.database.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        return
    with sqlite3.connect(store.location) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def behind_its_back(store: Store, *statements: str) -> None:
    """Changes the file as the sqlite3 tool would, its triggers taken away first and put back after."""
    with sqlite3.connect(store.location) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
        drop = [f"DROP TRIGGER {name}" for name, _ in triggers]
        for statement in (*drop, *statements, *(made_by for _, made_by in triggers)):
            connection.execute(statement)
    connection.close()


def fill_one_of_each(store: Store) -> None:
    """Writes a row into every empty table of the history, each column with some value of its type."""
    with sqlite3.connect(store.location) as connection:
        for number, table in enumerate(HISTORY, start=1000):
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            if connection.execute(f"SELECT 1 FROM {table}").fetchone():
                continue
            values = [number if column[1] == "seq" else {"TEXT": "x"}.get(column[2], 1) for column in columns]
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)
    connection.close()
