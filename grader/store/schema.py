"""Versions of the schema: which one a database has, and bringing it to the newest."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from grader.errors import StoreError

__all__ = ["REVISIONS", "require_newest", "revision_of", "upgrade"]

#: Every released schema, oldest first; named here so that opening a database needs no Alembic.
REVISIONS = ("0001", "0002")


def revision_of(connection: Connection) -> str | None:
    """The schema's version; None for an empty database.

    Raises:
        StoreError: There are tables, yet not ours.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    if tables:
        raise StoreError(
            "this database belongs to another program",
            found="tables " + ", ".join(sorted(tables)[:5]),
            todo="give another file to --db",
        )
    return None


def require_newest(connection: Connection) -> None:
    """Lets only the schema of this version pass.

    Raises:
        StoreError: The database is newer or older, and what to do about it.
    """
    revision = revision_of(connection)
    if revision == REVISIONS[-1]:
        return
    if revision in REVISIONS:
        raise StoreError(
            "the database was written by an older version of the grader",
            expected=f"schema {REVISIONS[-1]}",
            found=f"schema {revision}",
            todo="run `grader db upgrade`",
        )
    raise StoreError(
        "the database was written by a newer version of the grader",
        expected=f"schema {REVISIONS[-1]} or older",
        found=f"schema {revision}",
        todo="install that version; this one leaves the database as it is",
    )


def upgrade(connection: Connection, to: str = REVISIONS[-1]) -> None:
    """Runs the migrations up to `to` within the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "grader.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
