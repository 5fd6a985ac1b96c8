"""`grader groups`: who hands in together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_path, print_table, print_text
from grader.cli.options import Assignment, Database, Evidence, User

if TYPE_CHECKING:
    from grader.workflows.setting_up.groups import GroupChange

__all__ = ["groups"]

groups = typer.Typer(
    help="Say who hands in together: one file, one run and one mark for all of a group.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="GROUP", help="What the course calls it, as g07.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")]


@groups.command("list")
def list_groups(
    assignment: Assignment,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write student and group, as `read` takes it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List the groups of an assignment.

    Example: grader groups list --assignment lab2
    """
    from grader.workflows.setting_up.groups import who_hands_in_together, write_groups

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        found = who_hands_in_together(store, assignment)
    if csv is not None:
        write_groups(csv, found)
        print_path(csv)
    elif as_json:
        plain = {group.name: list(group.members) for group in found.groups}
        print_text(json.dumps({"groups": plain, "alone": list(found.alone)}, indent=2) + "\n")
    else:
        rows = [(each.name, number(len(each.members)), ", ".join(each.members)) for each in found.groups]
        if rows:
            print_table(("group", "students", "who"), rows, right=("students",))
        shown = "read" if found.shows_names else "do not read"
        print_line(f"in no group: {len(found.alone)} students; members {shown} whom they hand in with")
    return 0


@groups.command("set")
def set_one(
    assignment: Assignment,
    name: Name,
    students: Annotated[
        list[str], typer.Argument(metavar="STUDENT...", help="All of its members, by id, login or name.")
    ],
    reason: Reason = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Say who is in a group from the next file on; who was in another is in that one no longer.

    Example: grader groups set g07 s101 s102 s103 --assignment lab2 --reason "as they signed up"
    """
    from grader.workflows.setting_up.groups import set_groups

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        _tell(set_groups(store, assignment, {name: students}, reason, actor=setup.actor(options)))
    return 0


@groups.command()
def read(
    assignment: Assignment,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV with the columns student and group.")],
    reason: Reason = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Set groups by a file, as `grader groups list --csv` writes it; all of it, or nothing.

    Example: grader groups read groups.csv --assignment lab2
    """
    from grader.workflows.setting_up.groups import read_groups, set_groups

    options = setup.settings(db=db, evidence=evidence, user=user)
    wanted, why = read_groups(file), reason or f"from {file.name}"
    with setup.store(options) as store:
        _tell(set_groups(store, assignment, wanted, why, actor=setup.actor(options)))
    return 0


@groups.command()
def end(
    assignment: Assignment,
    name: Name,
    reason: Reason = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """End a group: its members hand in by themselves. What was handed in stays theirs together.

    Example: grader groups end g07 --assignment lab2 --reason "they parted"
    """
    from grader.workflows.setting_up.groups import end_group

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        _tell(end_group(store, assignment, name, reason, actor=setup.actor(options)))
    return 0


@groups.command()
def names(
    show: Annotated[bool, typer.Option("--show/--hide", help="Whether members read who the others are.")],
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Say whether members of a group read on their pages whom they hand in with; hidden until then.

    Example: grader groups names --show
    """
    from grader.workflows.setting_up.groups import show_names

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        show_names(store, show)
    print_line(f"members of a group {'read' if show else 'do not read'} whom they hand in with")
    return 0


def _tell(changes: list[GroupChange]) -> None:
    for each in changes:
        print_line(f"{each.name}: {each.after} students, {each.before} before")
    if not changes:
        print_line("nothing to change")
