"""`grader db`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_path
from grader.cli.options import Database

__all__ = ["db"]

db = typer.Typer(help="Back up the database and bring it to a newer version.", no_args_is_help=True)


@db.command()
def upgrade(location: Database = None) -> int:
    """Bring a database that an older version wrote to this version's schema, after a backup.

    Example: grader db upgrade --db grader.db
    """
    from grader.store.schema import upgrade as bring_up

    options = setup.settings(db=location)
    before, after, kept = bring_up(options.db)
    if kept is not None:
        print_path(kept)
    print_line(f"schema {after}, nothing to do" if before == after else f"schema {before} -> {after}")
    return 0


@db.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; a new file.")],
    location: Database = None,
) -> int:
    """Copy the database while others may be writing to it.

    Example: grader db backup marks-2026-03-01.db
    """
    from grader.store.schema import backup as copy

    print_path(copy(setup.settings(db=location).db, target))
    print_line("the evidence lies in the folder beside the database: copy it as well")
    return 0
