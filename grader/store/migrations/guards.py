"""Triggers that make a table append-only, in each database's own words.

Migrations use these functions for ever: a change here must leave what they already made as it is, since
`grader audit` compares what it finds with what these functions say.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

__all__ = [
    "REFUSE_CHANGE",
    "make_append_only",
    "postgresql_guards",
    "sqlite_guards",
]

#: Body of the one function that PostgreSQL's triggers call.
REFUSE_CHANGE = " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END "


def make_append_only(table: str, *keys: tuple[str, ...]) -> None:
    """Refuses UPDATE, DELETE and REPLACE on `table`.

    Args:
        table: Its name.
        keys: Columns of each unique key. REPLACE fires no delete trigger unless the connection asks for
            it, so an insert that would hit an existing key is refused before it happens.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$${REFUSE_CHANGE}$$"
        )
        guards = postgresql_guards(table)
    else:
        guards = sqlite_guards(table, keys)
    for statement in guards.values():
        op.execute(statement)


def sqlite_guards(table: str, keys: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Each trigger's name with the statement that makes it, which SQLite keeps word for word."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    guards = {
        f"{table}_no_{action.lower()}": f"BEFORE {action} ON {table} {refuse}"
        for action in ("UPDATE", "DELETE")
    }
    for number, key in enumerate((("seq",), *keys)):
        match = " AND ".join(f"{column} = NEW.{column}" for column in key)
        guards[f"{table}_no_replace_{number}"] = (
            f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {match}) {refuse}"  # noqa: S608
        )
    return {name: f"CREATE TRIGGER {name} {rest}" for name, rest in guards.items()}


def postgresql_guards(table: str) -> dict[str, str]:
    """Each trigger's name with the statement that makes it, as PostgreSQL itself would write it."""
    refuse = "EXECUTE FUNCTION refuse_change()"
    return {
        f"{table}_no_change": (
            f"CREATE TRIGGER {table}_no_change BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW {refuse}"
        ),
        f"{table}_no_truncate": (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}"
        ),
    }
