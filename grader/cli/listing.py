"""`grader list`: every submission, its mark, and what of it waits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table, print_text
from grader.cli.options import Anonymous, AnyAssignment, Database, Evidence

if TYPE_CHECKING:
    from grader.workflows.desk.listing import Listed

__all__ = ["list_all"]


def list_all(
    assignment: AnyAssignment = None,
    student: Annotated[
        str | None, typer.Option("--student", metavar="S", help="Only this student, over all assignments.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
    anonymous: Anonymous = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List all submissions: marks, and what waits for a TA.

    Example: grader list --assignment lab2
    """
    from grader.workflows.desk.listing import as_plain, list_work

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        items = list_work(store, assignment=assignment, student=student, anonymous=anonymous)
    if as_json:
        print_text(json.dumps([as_plain(item) for item in items], indent=2) + "\n")
        return 0
    if not items:
        print_line("nothing was handed in yet")
        return 0
    named = any(item.name for item in items)
    columns = (
        "student", *(["name"] if named else []), "assignment", "outcome", "points", "out of", "pending",
        "marked", "waits",
    )  # fmt: skip
    rows = [_row(item, named) for item in items]
    print_table(columns, rows, right=("points", "out of", "pending", "marked"))
    waiting = sum(len(item.waits) for item in items)
    print_line(f"{_count(len(items), 'submission')}; {_count(waiting, 'judgement')} to be made by a TA")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _row(item: Listed, named: bool) -> tuple[str, ...]:
    notes = [
        item.state,
        "late" if item.late else "",
        f"{_count(item.remarks, 'remark request')} open" if item.remarks else "",
        "flagged" if item.flags else "",
        "" if item.state else ", ".join(item.waits),
    ]
    return (
        item.shown,
        *([item.name] if named else []),
        item.assignment,
        item.outcome or "-",
        *map(number, (item.points, item.out_of, item.pending)),
        str(item.marked),
        "; ".join(note for note in notes if note),
    )
