"""`grader intake`: a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import RosterFile, RubricName

if TYPE_CHECKING:
    from grader.evidence.record import CellRecord
    from grader.workflows.regrading.rubrics import Chooser
    from grader.workflows.running.dry_run import DryRun, Found

__all__ = ["intake"]


def intake(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or archive of submissions, or a notebook.")
    ],
    rubric: RubricName = None,
    layout: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Layout of the submissions [default: auto]."),
    ] = None,
    roster: RosterFile = None,
) -> int:
    """Show what a run would take: who, which file, which time, what is wrong. Nothing is run or written.

    Example: grader intake submissions.zip --roster roster.csv
    """
    from grader.intake import find_submissions
    from grader.intake.roster import read_roster
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.running.dry_run import dry_run

    options = setup.settings(submissions, rubric=rubric, format=layout)
    people = read_roster(roster) if roster else None
    chooser = RubricShelf(setup.places(submissions), zone=setup.zone(options)).chooser(options.rubric)
    found = find_submissions(submissions, format=options.format, assignment_of=chooser.assignment_of)
    _tell(dry_run(found, submissions, lambda cells: _assignment(chooser, cells), people))
    return 0


def _assignment(chooser: Chooser, cells: Sequence[CellRecord]) -> tuple[str, str]:
    other = chooser.another(cells)
    if other is not None:
        return other.assignment, "it is another assignment's notebook"
    loaded = chooser.choose(cells)
    return (loaded.assignment, "") if loaded else ("", "")


def _tell(made: DryRun) -> None:
    columns = ("student", "name", "assignment", "file", "handed in", "late", "what to look at")
    print_table(columns, [_row(found) for found in made.found])
    bad = sum(bool(found.problem) for found in made.found)
    print_line(f"{len(made.found)} submissions in the layout '{made.format}', {bad} cannot be run")
    for problem in made.problems:
        print_line(f"look at: {problem}")
    for entry in made.absent:
        print_line(f"handed in nothing: {entry.student}" + (f" ({entry.name})" if entry.name else ""))


def _row(found: Found) -> tuple[str, ...]:
    moment = found.submitted_at.isoformat(" ", "seconds") if found.submitted_at else "not known"
    unknown = () if found.assignment or found.problem else ("no rubric fits",)
    look = "; ".join(part for part in (found.problem, *found.notes, *unknown) if part)
    return (
        found.student,
        found.name,
        found.assignment or "-",
        found.file,
        moment,
        "late" if found.late else "",
        look,
    )
