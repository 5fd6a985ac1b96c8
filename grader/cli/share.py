"""`grader share`: who grades what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_path, print_table, print_text
from grader.cli.options import Assignment, Database, Evidence, User

if TYPE_CHECKING:
    from grader.workflows.setting_up.sharing import Change, Sharing

__all__ = ["share"]

share = typer.Typer(
    help="Say who grades what: shares of the class for each TA. No mark changes by it.",
    no_args_is_help=True,
)

Grader = Annotated[str, typer.Argument(metavar="TA", help="As they sign in and as the history names them.")]


@share.command("list")
def list_shares(
    assignment: Assignment,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write student and TA, as `read` takes it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List who grades what, how much of it waits, and who is in nobody's share.

    Example: grader share list --assignment lab2
    """
    from grader.workflows.setting_up.share_files import write_shares
    from grader.workflows.setting_up.sharing import who_grades_what

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        found = who_grades_what(store, assignment)
    if csv is not None:
        write_shares(csv, found)
        print_path(csv)
    elif as_json:
        print_text(json.dumps(_plain(found), indent=2) + "\n")
    else:
        _print(found)
    return 0


@share.command()
def draw(
    assignment: Assignment,
    graders: Annotated[list[str], typer.Argument(metavar="TA...", help="Among whom.")],
    anew: Annotated[
        bool, typer.Option("--anew", help="Draw everybody again, also who is in a share; other shares end.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Draw lots for whoever is in no share yet, so that shares are even.

    Run it again for those who handed in since.

    Example: grader share draw ben cara dan --assignment lab2
    """
    from grader.workflows.setting_up.sharing import draw_shares

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        _tell(draw_shares(store, assignment, graders, anew=anew, actor=setup.actor(options)))
    return 0


@share.command()
def give(
    assignment: Assignment,
    grader: Grader,
    students: Annotated[
        list[str] | None, typer.Argument(metavar="[STUDENT]...", help="By id, login, name or pseudonym.")
    ] = None,
    section: Annotated[
        str, typer.Option("--section", metavar="S", help="All of this section of the roster.")
    ] = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Add students to a TA's share; who was in another's is in that one no longer.

    Example: grader share give ben --section L0101 --assignment lab2
    """
    from grader.workflows.setting_up.sharing import give_section, give_share

    options = setup.settings(db=db, evidence=evidence, user=user)
    actor = setup.actor(options)
    with setup.store(options) as store:
        changes: list[Change] = []
        if section:
            changes += give_section(store, assignment, section, grader, actor=actor)
        if students or not section:
            changes += give_share(store, assignment, {grader: students or []}, "by hand", actor=actor)
        _tell(changes)
    return 0


@share.command()
def read(
    assignment: Assignment,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV with the columns student and ta.")],
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Add students to shares by a file, as `grader share list --csv` writes it; all of it, or nothing.

    Example: grader share read shares.csv --assignment lab2
    """
    from grader.workflows.setting_up.share_files import read_shares
    from grader.workflows.setting_up.sharing import give_share

    options = setup.settings(db=db, evidence=evidence, user=user)
    wanted = read_shares(file)
    with setup.store(options) as store:
        _tell(give_share(store, assignment, wanted, f"from {file.name}", actor=setup.actor(options)))
    return 0


@share.command()
def end(
    assignment: Assignment,
    grader: Grader,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """End a TA's share: its works are everybody's again, and an assigned TA sees none of them.

    Example: grader share end ben --assignment lab2
    """
    from grader.workflows.setting_up.sharing import end_share

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        _tell(end_share(store, assignment, grader, actor=setup.actor(options)))
    return 0


def _tell(changes: list[Change]) -> None:
    for each in changes:
        print_line(f"{each.grader}: {each.after} students, {each.before} before")
    if not changes:
        print_line("nothing to change")


def _print(found: Sharing) -> None:
    rows = [
        (
            line.grader,
            number(len(line.students)),
            number(line.handed_in),
            number(line.waits),
            f"{line.how}, by {line.by}",
        )
        for line in found.lines
    ]
    if rows:
        columns = ("TA", "students", "handed in", "waits", "how")
        print_table(columns, rows, right=("students", "handed in", "waits"))
    waits = f", {found.rest_waits} of them with open answers" if found.rest_waits else ""
    print_line(f"in nobody's share: {len(found.rest)} students{waits}")


def _plain(found: Sharing) -> dict[str, object]:
    return {
        "shares": [
            {
                "ta": line.grader,
                "students": list(line.students),
                "handed_in": line.handed_in,
                "waits": line.waits,
                "how": line.how,
                "by": line.by,
                "at": line.at.isoformat(),
            }
            for line in found.lines
        ],
        "rest": list(found.rest),
    }
