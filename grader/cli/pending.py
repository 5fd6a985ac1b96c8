"""`grader pending`: what waits for a TA, with what was asked and what was answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import (
    number,
    print_guides,
    print_labelled,
    print_line,
    print_note,
    print_path,
    print_table,
    print_text,
)
from grader.cli.options import Anonymous, Assignment, Database, Evidence, Students
from grader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grader.store import Store
    from grader.workflows.desk.answer import AnswerCell, Line, Shown
    from grader.workflows.desk.item import Item
    from grader.workflows.marking.marks import Pending

__all__ = ["pending"]

_LINES = 12
_CHARACTERS = 200
_OUTPUT_LINES = 4
_CELLS = 4


def pending(
    assignment: Assignment,
    students: Students = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", "-c", metavar="C", help="Only this criterion.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Whole answers, of everything that is listed.")
    ] = False,
    anonymous: Anonymous = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write a worksheet that `grader mark --from` reads."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything about each, for programs; answers are whole.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List what waits for a TA: the same criterion, student after student, with the cells to look at.

    With a criterion or students named, each is shown with its question and its answer, cut to a few lines.

    Example: grader pending --assignment lab2 --criterion why-validation
    """
    from grader.workflows.marking.marks import list_pending

    if csv is not None and as_json:
        raise UsageError("a worksheet and JSON are two commands", expected="--csv FILE or --json")
    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        items = list_pending(
            store, assignment, students=students or (), criterion=criterion, anonymous=anonymous
        )
        if as_json:
            plain = [_plain(store, assignment, item, anonymous) for item in items]
            print_text(json.dumps(plain, indent=2) + "\n")
        elif csv is not None:
            _write_worksheet(csv, assignment, items)
        elif not items:
            print_line("nothing waits for a TA")
        elif criterion is not None or students or full:
            _print_answers(store, assignment, items, anonymous=anonymous, full=full)
        else:
            _print_all(assignment, items)
    return 0


def _print_all(assignment: str, items: Sequence[Pending]) -> None:
    rows = [(item.criterion, item.student, *_details(item)) for item in items]
    columns = ("criterion", "student", "points", "seen", "why", "message", "cells")
    print_table(columns, rows, right=("points",))
    print_guides({item.criterion: item.guide for item in items})
    print_note(f"`grader pending -a {assignment} -c CRITERION` shows what was asked and answered")


def _details(item: Pending) -> tuple[str, ...]:
    seen = "" if item.seen is None else str(item.seen)
    return number(item.points), seen, item.status, " ".join(item.message.split()), "; ".join(item.cells)


def _write_worksheet(path: Path, assignment: str, items: Sequence[Pending]) -> None:
    from grader.files.named import write_text
    from grader.workflows.marking.worksheet import worksheet

    write_text(path, worksheet(items))
    print_path(path)
    print_line(
        f"fill in points and comment, then: grader mark --assignment {assignment} --from {path};"
        " empty rows stay open"
    )


def _items(
    store: Store, assignment: str, items: Sequence[Pending], anonymous: bool
) -> Iterator[tuple[Pending, Item | None]]:
    """Each with its item; None for whole files, and where the evidence cannot be read."""
    from grader.errors import EvidenceError, RubricError, StoreError
    from grader.workflows.desk.item import read_item

    for item in items:
        try:
            read = None
            if item.seen is not None:
                read = read_item(store, assignment, item.student, item.criterion, anonymous=anonymous)
        except (StoreError, EvidenceError, RubricError) as error:
            for line in f"{item.student}, {item.criterion}: {error}".splitlines():
                print_note(line)
        yield item, read


def _print_answers(
    store: Store, assignment: str, items: Sequence[Pending], *, anonymous: bool, full: bool
) -> None:
    asked = ""
    for item, read in _items(store, assignment, items, anonymous):
        if read is not None and asked != item.criterion:
            asked = item.criterion
            print_line("")
            print_labelled(_question(read))
        print_line("")
        seen = f"  seen {item.seen}" if item.seen is not None else ""
        print_line(f"{item.student}  {item.criterion}  {number(item.points)} waiting{seen}")
        if read is None or not read.is_question or read.marks:
            print_line(f"  {item.status}: {' '.join(item.message.split())}")
        for line in _answer(read, full) if read is not None else ():
            print_line(f"  {line}")


def _question(item: Item) -> list[tuple[str, str]]:
    asked = item.asked
    parts = [
        ("criterion", f"{asked.title} ({item.criterion}, {number(asked.points)})"),
        ("asked", asked.asks.strip()),
        ("handout", "\n".join(asked.given).strip() if not asked.asks else ""),
        ("look for", asked.look_for),
        ("guide", asked.guide.strip()),
    ]
    return [(label, text) for label, text in parts if text]


def _answer(item: Item, full: bool) -> Iterator[str]:
    """Lines of an answer: cells with what they showed the student, and us where that differs."""
    answer = item.answer
    if answer.state == "untouched":
        yield "(this part is as the handout left it)"
    if answer.state == "not found":
        yield "(this part was not found in the file; it may be here)"
    shown = answer.cells if full else answer.cells[:_CELLS]
    for cell in shown:
        yield f"[{cell.name}]"
        yield from (f"    {line}" for line in _source(cell, full))
        yield from _outputs("handed in", cell.handed_in, full)
        if not cell.outputs_agree:
            yield from _outputs("our run", cell.ours, full)
    if answer.cut_training and any(cell.ours and not cell.outputs_agree for cell in shown):
        yield "(our run trained on a few batches a pass: its curves are not the student's)"
    left = len(answer.cells) - len(shown) + answer.more
    if left:
        yield f"({left} more cells: --full)"


def _source(cell: AnswerCell, full: bool) -> Iterator[str]:
    for line in cell.lines if full else cell.excerpt(_LINES):
        yield _cut(line, full)


def _cut(line: Line, full: bool) -> str:
    if line.number == 0:
        return "..."
    text = line.text if full or len(line.text) <= _CHARACTERS else f"{line.text[:_CHARACTERS]} ..."
    return f"> {text}" if line.marked else text


def _outputs(whose: str, outputs: Sequence[Shown], full: bool) -> Iterator[str]:
    """Printed text of a cell, and how many pictures it shows."""
    pictures = sum(output.kind == "picture" for output in outputs)
    lines = [line for output in outputs for line in output.text.splitlines()]
    if not full and len(lines) > _OUTPUT_LINES:
        lines = ["...", *lines[-_OUTPUT_LINES:]]
    for place, line in enumerate(lines):
        label = f"{whose}:" if place == 0 else ""
        yield f"    {label:<11}{line if full or len(line) <= _CHARACTERS else line[:_CHARACTERS] + ' ...'}"
    if pictures:
        yield f"    {whose}: {pictures} picture{'s' if pictures > 1 else ''}"


def _plain(store: Store, assignment: str, item: Pending, anonymous: bool) -> dict[str, Any]:
    from grader.workflows.desk.plain import item_as_plain

    plain: dict[str, Any] = {
        "student": item.student,
        "assignment": assignment,
        "criterion": item.criterion,
        "pending": item.points,
        "why": item.status,
        "message": " ".join(item.message.split()),
        "seen": None if item.seen is None else str(item.seen),
    }
    for _, read in _items(store, assignment, [item], anonymous):
        if read is not None:
            plain |= item_as_plain(read)
    return plain
