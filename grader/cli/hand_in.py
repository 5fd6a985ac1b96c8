"""`grader hand-in`: a file for one student by hand, and links by which students hand in themselves."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from grader.cli import setup
from grader.cli.console import (
    confirmed,
    print_labelled,
    print_line,
    print_path,
    print_table,
    print_text,
)
from grader.cli.options import Assignment, Database, Evidence, User
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.store import Store

__all__ = ["hand_in"]

_TAKE = "take"
_LONGEST_DAYS = 366


class _TakesFiles(TyperGroup):
    """``grader hand-in lab.ipynb`` is short for ``grader hand-in take lab.ipynb``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = [_TAKE, *args]
        return super().resolve_command(ctx, args)


hand_in = typer.Typer(
    cls=_TakesFiles,
    help="Take a file for a student (`grader hand-in FILE`), or make links to hand in by.",
    no_args_is_help=True,
)


@hand_in.command(_TAKE)
def take(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A notebook, or a zip with one in it.")],
    student: Annotated[str, typer.Option("--student", "-s", metavar="S", help="Whose it is.")],
    assignment: Assignment,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="Where to write the receipt.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about an id that is new.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Hand in a file for a student, now: it is kept and queued, and a receipt is printed.

    The word `take` may be left out: grader hand-in lab.ipynb.

    Example: grader hand-in take lab.ipynb --student s101 --assignment lab2
    """
    from grader.files.named import write_text
    from grader.store.hand_ins import Way
    from grader.workflows.handing_in.receipts import file_name, receipt_of
    from grader.workflows.handing_in.taking import Sender, Sent
    from grader.workflows.handing_in.taking import take as take_file

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options, create=True) as store:
        whose = _student(store, student)
        if not yes and not _known(store, whose) and not confirmed(f"'{whose}' is new here; go on?"):
            raise UsageError(f"nobody is called '{whose}' so far", todo="go on all the same with --yes")
        sender = Sender(whose, Way.COMMAND, setup.actor(options))
        try:
            with file.open("rb") as content:
                sent = Sent(content, file.name, store.clock())
                taken = take_file(store, setup.places(), assignment, sender, sent, why="grader hand-in")
        except OSError as error:
            raise UsageError("this file cannot be read", where=str(file), found=error.strerror) from error
        made = receipt_of(store, taken.received)
    print_line(f"{whose}, {assignment}: received {made.file}, {made.size} bytes, SHA-256 {made.sha256}")
    if not made.counts:
        print_line("it came when nothing counts any more, or this work was dropped: what was there stays")
        print_line(f"once the dates allow it: grader hand-in count {made.row.row} --reason TEXT")
    for line in taken.left_out:
        print_line(f"not taken: {line}")
    if receipt is None:
        print_text(made.as_json())
    else:
        place = receipt / file_name(made) if receipt.is_dir() else receipt
        write_text(place, made.as_json())
        print_path(place)
    return 0


@hand_in.command("list")
def list_(
    assignment: Assignment,
    student: Annotated[
        str | None, typer.Option("--student", "-s", metavar="S", help="Only this student.")
    ] = None,
    not_counting: Annotated[
        bool, typer.Option("--not-counting", help="Only what came when nothing counted any more.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List what was received, each with the number of its receipt.

    Example: grader hand-in list --assignment lab2 --not-counting
    """
    from grader.grading.times import in_words

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        whose = None if student is None else _student(store, student)
        with store.reading() as history:
            found = history.received_on(assignment, whose)
        zone = store.zone
    rows = [
        (
            str(each.seq),
            each.record.student,
            in_words(each.at, zone),
            each.record.file,
            str(each.record.size),
            each.record.way,
            "yes" if each.record.counts else "no",
        )
        for each in found
        if not (not_counting and each.record.counts)
    ]
    print_table(("receipt", "student", "at", "file", "bytes", "by", "counted"), rows)
    return 0


@hand_in.command()
def count(
    number: Annotated[int, typer.Argument(metavar="RECEIPT", help="Its number, as `hand-in list` has it.")],
    reason: Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the history.")],
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Let a file count that came when nothing counted any more, once the student's dates were extended.

    Example: grader hand-in count 812 --reason "extension by letter of 2 March"
    """
    from grader.workflows.handing_in.taking import count_after_all

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        received = count_after_all(store, setup.places(), number, actor=setup.actor(options), reason=reason)
    print_line(f"receipt {number} counts, as receipt {received.seq} of {received.record.student}")
    return 0


@hand_in.command()
def link(
    students: Annotated[list[str], typer.Argument(metavar="STUDENT...", help="Whom links are for.")],
    assignment: Assignment,
    until: Annotated[
        str, typer.Option("--until", metavar="T", help="When they end: 2026-03-10T23:59, or 7d for a week.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="As a table to send letters by.")] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Make links by which students hand in without an account: one student and assignment each.

    Who has a link can hand in by it and see the receipts of what came by it, and nothing else.

    Example: grader hand-in link s101 s102 --assignment lab2 --until 7d
    """
    from grader.workflows.handing_in.assignments import assigned_here
    from grader.workflows.handing_in.links import sign

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        assigned_here(store, setup.places(), assignment, photos=True)
        ends = _moment(until, store)
        names = [_student(store, each) for each in students]
        base = store.desk_url or "http://HOST"
        links = [(name, f"{base}/u/{sign(store, name, assignment, ends)}") for name in names]
    if as_csv:
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([("student", "link"), *links])
        print_text(table.getvalue())
    else:
        print_labelled(links)
    return 0


def _student(store: Store, typed: str) -> str:
    """The student as the history calls them; who is new there goes by the id as typed."""
    from grader.workflows.views.identity import real_names

    with store.reading() as history:
        [student] = real_names(history, None, [typed])
    return student


def _known(store: Store, student: str) -> bool:
    from grader.intake.roster import keys_typed

    with store.reading() as history:
        return history.handed_in(student) or any(history.people_by(keys_typed(student)).values())


def _moment(typed: str, store: Store) -> datetime:
    """When a link ends: so many days from now, or a date by the course's clocks.

    Raises:
        UsageError: It is none.
    """
    if typed.endswith("d") and typed[:-1].isdecimal():
        return store.clock() + timedelta(days=min(int(typed[:-1]), _LONGEST_DAYS))
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise UsageError("--until is no time", expected="2026-03-10T23:59, or 7d", found=typed) from error
    if moment.tzinfo is not None:
        return moment
    if (zone := store.zone) is None:
        raise UsageError(
            "--until names no time zone, and the course has none",
            expected="2026-03-10T23:59+01:00",
            found=typed,
            todo="`grader db zone Europe/Berlin` names the course's",
        )
    return moment.replace(tzinfo=zone)
