"""`grader retention`: how long a course keeps what, and letting go of what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import confirmed, print_line, print_note, print_table
from grader.cli.options import AnyAssignment, Database, Evidence, User
from grader.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from grader.workflows.upkeep.retention import Course, Work

__all__ = ["retention"]

retention = typer.Typer(
    help="Say how long files, recordings and mails are kept, and let go of what is over.",
    no_args_is_help=True,
)

_FOR_GOOD = "good"
#: So many students are named of those whose files stay.
_NAMED = 8


@retention.command("set")
def set_(
    assignment: AnyAssignment = None,
    uploads: Annotated[
        str,
        typer.Option(
            "--uploads", metavar="DAYS", help="Files as handed in: so many days after the end, or: good."
        ),
    ] = "",
    evidence: Annotated[
        str, typer.Option("--recordings", metavar="DAYS", help="Recordings of their runs, likewise.")
    ] = "",
    mails: Annotated[
        str,
        typer.Option("--mails", metavar="DAYS", help="Text and address of a mail, after it was written."),
    ] = "",
    db: Database = None,
) -> int:
    """Say how long the course keeps what; with --assignment, of that one. Nothing goes by this command.

    An assignment ends with the last of its dates (due, remark requests, extensions) and of its files.

    Example: grader retention set --uploads 730 --recordings 365 --mails 90
    """
    from grader.workflows.upkeep.retention import keep

    typed = {"uploads": uploads, "evidence": evidence, "mails": mails}
    changed = {name: _days(text, name) for name, text in typed.items() if text}
    if not changed:
        raise UsageError("nothing is said", expected="--uploads, --recordings or --mails")
    if mails and assignment is not None:
        raise UsageError("mails are the whole course's", todo="leave --assignment out, or --mails")
    with setup.store(setup.settings(db=db)) as store:
        keep(store, changed, assignment)
    for name, days in changed.items():
        kept = "for good" if days is None else f"for {days} days"
        print_line(f"{'recordings' if name == 'evidence' else name} are kept {kept}")
    return 0


@retention.command()
def show(db: Database = None, evidence: Evidence = None) -> int:
    """Show what is kept for how long, what would go now and how much it frees, and what stays and why.

    Example: grader retention show
    """
    from grader.workflows.upkeep.retention import course_view

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        _print(course_view(store), store.zone)
    return 0


@retention.command()
def apply(
    assignment: AnyAssignment = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would go, and what stays.")
    ] = False,
    strays: Annotated[
        bool,
        typer.Option(
            "--strays", help="Also files that no row names, where no other database has its evidence there."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Let go of all whose time is over. It cannot be undone; marks, reasons and the whole history stay.

    Example: grader retention apply --dry-run
    """
    from grader.workflows.upkeep.retention import apply as let_go
    from grader.workflows.upkeep.retention import course_view, work_view

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        if assignment is None:
            _print(course_view(store), store.zone)
        else:
            _print_works([work_view(store, assignment)], store.zone)
        if dry_run:
            return 0
        if not yes and not confirmed("let go of this for good?"):
            raise RefusedError(
                "nothing was let go of", todo="say yes, or give --yes where nobody can be asked"
            )
        done = let_go(store, assignment=assignment, strays=strays, actor=setup.actor(options))
        scrubbed = store.scrub() if done.mails else True
    print_line(f"gone: {done.files} files, {_size(done.size)}; emptied: {done.mails} mails")
    if strays:
        print_line(f"gone: {done.strays} files that no row named")
    if not scrubbed:
        print_note(
            "free space of the database may still hold the mails: run this again while nobody else uses the"
            " file, or have the server vacuum it"
        )
    return 0


def _days(text: str, name: str) -> int | None:
    if text == _FOR_GOOD:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise UsageError("this is no number of days", where=name, expected="as 365, or: good", found=text)
    return int(text)


def _print(course: Course, zone: tzinfo | None) -> None:
    _print_works(course.works, zone)
    kept = "for good" if course.mails is None else f"for {course.mails} days"
    print_line(f"mails are kept {kept}; {course.old_mails} would be emptied now")
    print_line("sessions go after 4 hours of silence, answers to programs after 24, pre-checks after 48")
    if course.still_there:
        print_note(f"{course.still_there} files are still there that were let go of before")
    number, size = course.strays
    if number:
        print_note(
            f"{number} files ({_size(size)}) that no row names, as of runs that were cut off: `--strays` lets"
            " go of them, where no other database has its evidence in the same place"
        )
    print_line(f"free by it: {_size(course.size)}")


def _print_works(works: tuple[Work, ...] | list[Work], zone: tzinfo | None) -> None:
    rows = [row for work in works for row in _rows(work, zone)]
    print_table(
        ("assignment", "what", "kept", "until", "would go", "bytes"), rows, right=("would go", "bytes")
    )
    for work in works:
        for kind in work.kinds:
            for reason, students in kind.stays.items():
                named = ", ".join(students[:_NAMED])
                more = f" and {len(students) - _NAMED} more" if len(students) > _NAMED else ""
                print_note(f"{work.assignment}, {kind.in_words} stay of {named}{more}: {reason}")


def _rows(work: Work, zone: tzinfo | None) -> Iterator[tuple[str, ...]]:
    from grader.grading.times import date_in_words

    for kind in work.kinds:
        kept = "for good" if kind.days is None else f"{kind.days} days"
        after = f" after {work.ended.by}" if work.ended and kind.days is not None else ""
        until = "" if kind.until is None else date_in_words(kind.until, zone)
        yield work.assignment, kind.in_words, kept + after, until, str(len(kind.digests)), str(kind.size)


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB"
