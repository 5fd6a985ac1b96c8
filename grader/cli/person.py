"""`grader person`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import confirmed, print_line, print_path, print_table, print_text
from grader.cli.options import Database, Evidence, User
from grader.errors import RefusedError

if TYPE_CHECKING:
    from datetime import tzinfo

    from grader.workflows.upkeep.person import Person

__all__ = ["person"]

person = typer.Typer(
    help="Show, give out or erase what is held about one person.",
    no_args_is_help=True,
)

Who = Annotated[str, typer.Argument(metavar="PERSON", help="A student's id, login, name or pseudonym.")]
_NAMED = 12


@person.command()
def show(
    name: Who,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Show all that is held about a person, and what no erasure would reach.

    Example: grader person show s101
    """
    from grader.workflows.upkeep.person import as_plain, find_person

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        found, zone = find_person(store, name), store.zone
    if as_json:
        print_text(json.dumps(as_plain(found), indent=2) + "\n")
        return 0
    _print_person(found)
    _print_history(found, zone)
    return 0


@person.command()
def export(
    name: Who,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; a new folder.")],
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Write all that is held about a person into a folder: rows as JSON, notebooks, recordings.

    Example: grader person export s101 held-about-s101
    """
    from grader.workflows.upkeep.person import export as write
    from grader.workflows.upkeep.person import find_person

    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        lacking = write(store, find_person(store, name), folder)
    print_path(folder)
    for line in lacking:
        print_line(f"not in it: {line}")
    return 1 if lacking else 0


@person.command()
def erase(
    name: Who,
    reason: Annotated[
        str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the history; without the name.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Erase a person: names, roster, answers, notebooks and recordings. It cannot be undone.

    Sealed rows stay, and say erased-... where the name stood; their work counts nowhere from then on. The
    history says who erased, when and why. What cannot be reached is named before you are asked.

    Example: grader person erase s101 --reason "asked for by letter of 2 March"
    """
    from grader.workflows.upkeep.person import erase, find_person, require_erasable

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        found = find_person(store, name)
        if not found.erased:
            require_erasable(found, reason)
            _print_person(found)
            if not yes and not confirmed("erase this person for good?"):
                raise RefusedError(
                    "nothing was erased", todo="say yes, or give --yes where nobody can be asked"
                )
        done = erase(store, found, reason, actor=setup.actor(options))
    if done.label:
        print_line(f"erased: {done.label} is what the history says from now on")
    else:
        print_line("erased: the history never named them")
    print_line(f"removed: {done.removed} notebooks and recordings")
    if not done.scrubbed:
        print_line(
            "free space of the database may still hold traces: run this command again while nobody else uses"
            " the file, or have the server vacuum it"
        )
    return 0


def _print_person(found: Person) -> None:
    if found.erased:
        print_line(f"{found.student} was erased; what is left says nothing of who it was")
    else:
        names = sorted({each.name for each in found.held.people if each.name})
        print_line(" ".join([found.student, *(f"({each})" for each in names)]))
    print_table(("held", "how many", "an erasure"), list(_held(found)), right=("how many",))
    for line in _not_reached(found):
        print_line(f"not reached: {line}")


def _held(found: Person) -> Iterator[tuple[str, str, str]]:
    files = [blob for blob in found.files if blob.bytes is not None]
    rows = sum(map(len, found.works.values()))
    yield "entries in the roster", str(len(found.held.people)), "removes them"
    yield "accounts", str(len(found.held.accounts)), "removes them, or takes them out of this course"
    if found.held.sent:
        yield "marks that a course system took", str(len(found.held.sent)), "forgets that; they stay there"
    yield f"sealed rows ({', '.join(found.works)})", str(rows), "leaves them, with erased-... for the name"
    yield "notebooks and recordings", str(len(files)), "removes them, unless another handed in the same"
    yield "kept looks of answers", str(found.held.answers), "removes them"
    if found.held.mails:
        yield "mails in the outbox", str(found.held.mails), "removes them"
    if found.held.pre_checks:
        yield "pre-checks", str(found.held.pre_checks), "removes them"
    yield "rows of the queue", str(found.held.jobs), "leaves them, with erased-... for the name"


def _not_reached(found: Person) -> Iterator[str]:
    if found.said:
        shown = [f"row {each.row} ({each.table}, {each.column})" for each in found.said[:_NAMED]]
        more = [f"{len(found.said) - _NAMED} more"] if len(found.said) > _NAMED else []
        yield f"free text that is sealed and has a name in it: {', '.join([*shown, *more])}"
    yield "findings, comments and reasons in sealed rows, which may quote what was written, without the name"
    if found.also:
        yield f"what was handed in under another name of this person: {', '.join(found.also)}; erase that too"
    if not found.erased:
        yield "accounts that are kept in another course's database: `grader account remove` there"
        yield "reports, exports and backups that were written before, and the folder that was graded: remove"
        yield "them by hand, or the next `grader run` and `grader roster` take in again what lies there"


def _print_history(found: Person, zone: tzinfo | None) -> None:
    from grader.grading.times import in_words
    from grader.workflows.views.telling import tell

    for assignment, entries in found.works.items():
        print_line("")
        print_line(assignment)
        rows = [
            (str(told.seq), in_words(told.at, zone), told.who, told.what)
            for told in tell(entries, found.student, found.student)
        ]
        print_table(("row", "when", "who", "what"), rows, right=("row",))
