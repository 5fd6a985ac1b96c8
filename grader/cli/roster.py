"""`grader roster`: who is who in the course, told once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import Database, Evidence

if TYPE_CHECKING:
    from grader.workflows.desk.roster import Kept

__all__ = ["roster"]

_NAMED = 8


def roster(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A CSV of names and ids; a Canvas gradebook will do."),
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Keep who is who, so that every command takes a name, a login or an id. Without a file: show it.

    A roster takes the place of the one before. It is no part of the sealed history.

    Example: grader roster roster.csv
    """
    from grader.intake.roster import read_roster
    from grader.workflows.desk.roster import keep_roster, kept_roster

    options = setup.settings(db=db, evidence=evidence)
    given = None if file is None else read_roster(file)
    with setup.store(options, create=True) as store:
        kept = kept_roster(store) if given is None else keep_roster(store, given)
    if given is None:
        _print_people(kept)
        return 0
    print_line(f"kept: {len(kept.people)} students")
    for problem in given.problems:
        print_line(f"take care: {problem}; it finds none of them")
    _print_left_over(kept)
    return 0


def _print_people(kept: Kept) -> None:
    if not kept.people:
        print_line("no roster is kept: `grader roster FILE` takes one")
        return
    rows = [
        (person.student, person.name, person.login, person.number, person.email) for person in kept.people
    ]
    print_table(("student", "name", "login", "number", "email"), rows)
    _print_left_over(kept)


def _print_left_over(kept: Kept) -> None:
    if kept.unknown:
        print_line(f"handed in and not on it: {_some(kept.unknown)}")
    if kept.absent:
        print_line(f"on it and handed in nothing: {_some([person.student for person in kept.absent])}")


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
