"""`grader similar`: near-copies, for a person to look at."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import RubricName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.evidence.record import CellRecord
    from grader.intake import Submission
    from grader.workflows.regrading.rubrics import Chooser
    from grader.workflows.views.near_copies import NearCopy, Place, StudentCode

__all__ = ["similar"]

#: An assignment, and a student of it.
_Key = tuple[str, str]


def similar(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or archive of submissions.")
    ],
    rubric: RubricName = None,
    layout: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Layout of the submissions [default: auto]."),
    ] = None,
    least: Annotated[
        float, typer.Option("--least", min=0.0, max=1.0, help="Share of equal lines from which on to list.")
    ] = 0.5,
) -> int:
    """List pairs of submissions with suspiciously equal code, for a person to look at; it is never a mark.

    What the handout gave and what many wrote alike is left out; renamed variables do not hide a copy.

    Example: grader similar submissions/ --rubric lab2
    """
    from grader.intake import find_submissions
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.views.near_copies import near_copies

    options = setup.settings(submissions, rubric=rubric, format=layout)
    chooser = RubricShelf(setup.places(submissions), zone=setup.zone(options)).chooser(options.rubric)
    found = find_submissions(submissions, format=options.format, assignment_of=chooser.assignment_of)
    codes, cells, unread = _codes(found.submissions, chooser)
    pairs = {name: near_copies(group, least_share=least) for name, group in codes.items()}
    _tell(pairs, cells, {name: len(group) for name, group in codes.items()}, unread)
    return 0


def _codes(
    submissions: Sequence[Submission], chooser: Chooser
) -> tuple[dict[str, list[StudentCode]], dict[_Key, Sequence[CellRecord]], list[str]]:
    """Students' own code by assignment, the cells of each, and who could not be read."""
    from grader.workflows.running.planning import read_file
    from grader.workflows.views.near_copies import student_code

    codes: dict[str, list[StudentCode]] = defaultdict(list)
    cells: dict[_Key, Sequence[CellRecord]] = {}
    unread = []
    for submission in submissions:
        file = read_file(submission)
        if file.problem:
            unread.append(f"{submission.student}: {file.problem}")
            continue
        loaded = chooser.choose(file.cells)
        name = loaded.assignment if loaded else ""
        cells[name, submission.student] = file.cells
        codes[name].append(student_code(submission.student, file.cells, loaded.handout if loaded else None))
    return codes, cells, unread


def _tell(
    pairs: dict[str, list[NearCopy]],
    cells: Mapping[_Key, Sequence[CellRecord]],
    compared: dict[str, int],
    unread: Sequence[str],
) -> None:
    rows = [_row(name, pair, cells) for name, found in sorted(pairs.items()) for pair in found]
    columns = ("assignment", "student", "and", "equal", "as written", "lines", "longest stretch")
    if rows:
        print_table(columns, rows, right=("equal", "as written"))
    for name, count in sorted(compared.items()):
        found = "1 pair" if len(pairs[name]) == 1 else f"{len(pairs[name])} pairs"
        print_line(f"{name or 'no rubric'}: {count} submissions compared, {found} to look at")
    for problem in unread:
        print_line(f"not compared: {problem}")
    if rows:
        print_line(
            "equal code is no proof: students may have worked from the same source, or together as allowed"
        )


def _row(assignment: str, pair: NearCopy, cells: Mapping[_Key, Sequence[CellRecord]]) -> tuple[str, ...]:
    first, second = (
        _shown(cells[assignment, student], place)
        for student, place in zip((pair.first, pair.second), pair.places, strict=True)
    )
    return (
        assignment or "-",
        pair.first,
        pair.second,
        f"{100 * pair.share:.0f} %",
        f"{100 * pair.share_as_written:.0f} %",
        f"{pair.lines[0]} and {pair.lines[1]}",
        f"{pair.longest} lines from {first}, and {second}",
    )


def _shown(cells: Sequence[CellRecord], place: Place) -> str:
    from grader.facts.fields import Where
    from grader.workflows.views.cells import place_name

    return place_name(cells, Where(cell=place.cell, line=place.line))
