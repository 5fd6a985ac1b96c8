"""`grader release`: marks are shown to students as of a moment, moved on, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import confirmed, number, print_line, print_note, print_table
from grader.cli.options import Assignment, Database, Evidence, User
from grader.errors import RefusedError

if TYPE_CHECKING:
    from grader.store import Store
    from grader.workflows.releasing.preview import Preview

__all__ = ["release"]

release = typer.Typer(help="Show students their marks as they are now, or no longer.", no_args_is_help=True)

Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for the history.")]

#: So many students are named for each kind of change.
_NAMED = 20


@release.command()
def show(assignment: Assignment, db: Database = None, evidence: Evidence = None) -> int:
    """Say what is released, and what a release would change. Nothing is written.

    Example: grader release show --assignment lab2
    """
    from grader.workflows.releasing.preview import preview_of

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        _print(store, preview_of(store, assignment))
    return 0


@release.command()
def now(
    assignment: Assignment,
    why: Why = "",
    in_pieces: Annotated[
        bool,
        typer.Option("--in-pieces", help="Also where only some of the class stand on their newest verdicts."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Show students their marks as they are now; what is changed later waits for the next release.

    Example: grader release now --assignment lab2
    """
    from grader.workflows.releasing.preview import preview_of
    from grader.workflows.releasing.release import release_marks

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        found = preview_of(store, assignment)
        _print(store, found)
        if not yes and not confirmed("show this to the students?"):
            raise RefusedError(
                "nothing was released", todo="say yes, or give --yes where nobody can be asked"
            )
        release_marks(
            store,
            assignment,
            upto=found.upto,
            reason=why,
            actor=setup.actor(options),
            in_pieces=in_pieces,
        )
    print_line(f"{assignment} is released up to row {found.upto} of the history")
    return 0


@release.command()
def hide(
    assignment: Assignment, why: Why, db: Database = None, evidence: Evidence = None, user: User = None
) -> int:
    """Take a release back: students see that they handed in, and no mark.

    Example: grader release hide --assignment lab2 --why "the wrong rubric"
    """
    from grader.workflows.releasing.release import hide_marks

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        hide_marks(store, assignment, reason=why, actor=setup.actor(options))
    print_line(f"the marks of {assignment} are hidden again")
    return 0


def _print(store: Store, found: Preview) -> None:
    from grader.grading.times import in_words

    standing = found.standing
    if standing is None:
        print_line(f"{found.assignment}: nothing is released")
    else:
        since = in_words(standing.at, store.zone)
        print_line(f"{found.assignment}: released up to row {standing.upto} by {standing.by}, {since}")
    print_line(f"a release now shows {found.marks} marks, up to row {found.upto}")
    for line in found.in_pieces:
        print_note(f"{found.assignment} is {line}: a release would show students half of it")
    if found.incomplete:
        print_note(f"{found.incomplete} of them are not complete: {number(found.pending)} points wait")
        rows = [(line.criterion, str(line.students), number(line.points)) for line in found.waiting]
        print_table(("waits", "students", "points"), rows, right=("students", "points"))
    if found.without:
        print_note(f"without a mark: {_some(found.without)}")
    for id in found.kept_back:
        print_note(f"the answer to remark request {id} is kept back so far")
    if found.requests:
        print_note(f"remark requests that wait: {', '.join(map(str, found.requests))}")
    if standing is not None:
        _print_changes(store, found)


def _print_changes(store: Store, found: Preview) -> None:
    from grader.workflows.releasing.preview import named

    if not found.changes:
        print_line("nothing that a student is shown has changed since")
        return
    rows = [
        (
            f"{each.student} ({each.name})" if each.name else each.student,
            each.moved.value,
            "-" if each.before is None else number(each.before),
            "-" if each.after is None else number(each.after),
            number(each.out_of),
            ", ".join(each.criteria),
        )
        for each in named(store, found.changes)
    ]
    print_table(("student", "mark", "shown", "now", "out of", "by"), rows, right=("shown", "now", "out of"))


def _some(students: tuple[str, ...]) -> str:
    more = len(students) - _NAMED
    return ", ".join(students[:_NAMED]) + (f" and {more} more" if more > 0 else "")
