"""`grader drop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import confirmed, number, print_line, print_table
from grader.cli.options import Assignment, Database, Evidence, Students, User
from grader.errors import RefusedError

if TYPE_CHECKING:
    from grader.store import Store
    from grader.store.results import Result

__all__ = ["drop"]


def drop(
    assignment: Assignment,
    students: Students = None,
    reason: Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the history.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let a dropped submission count again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Take a submission that should not be there out of what counts; nothing is deleted.

    It is left out of summaries, exports, class figures and what waits, and `grader run` does not bring it
    back. Without a student, all that are dropped are listed.

    Example: grader drop lab2_final --assignment lab2 --reason "a file name, no student"
    """
    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        if not students:
            _print_dropped(store, assignment)
        elif undo:
            _bring_back(store, assignment, students, reason, setup.actor(options))
        else:
            _drop(store, assignment, students, reason, setup.actor(options), yes=yes)
    return 0


def _print_dropped(store: Store, assignment: str) -> None:
    from grader.workflows.marking.drop import all_dropped
    from grader.workflows.views.dropped import why_dropped

    found = all_dropped(store, assignment)
    if found:
        print_table(("student", "what"), [(item.student, why_dropped(item)) for item in found])
    else:
        print_line("nothing is dropped")


def _drop(store: Store, assignment: str, students: list[str], reason: str, actor: str, *, yes: bool) -> None:
    from grader.workflows.marking.drop import drop, require_reason, that_can_be_dropped

    require_reason(reason)
    meant = that_can_be_dropped(store, assignment, students)
    for item in meant:
        print_line(_about(item))
    question = "take it" if len(meant) == 1 else f"take all {len(meant)}"
    if not yes and not confirmed(f"{question} out of what counts? (nothing is deleted)"):
        raise RefusedError("nothing was dropped", todo="say yes, or give --yes where nobody can be asked")
    drop(store, meant, reason, actor=actor)
    for item in meant:
        print_line(f"dropped: {item.student}, {item.assignment}; --undo brings it back")


def _bring_back(store: Store, assignment: str, students: list[str], reason: str, actor: str) -> None:
    from grader.workflows.marking.drop import bring_back, that_can_be_brought_back

    meant = that_can_be_brought_back(store, assignment, students)
    bring_back(store, meant, reason, actor=actor)
    for item in meant:
        print_line(f"counts again: {_about(item)}")


def _about(result: Result) -> str:
    """What is at stake, so that nobody drops the wrong one."""
    mark = result.mark
    points = "not judged yet" if mark is None else f"{number(mark.points)} of {number(mark.out_of)} points"
    marked = len({decision.criterion for decision in result.decisions})
    by_people = f", {marked} of its criteria marked by a person" if marked else ""
    return f"{result.student}, {result.assignment}: {result.submission.path}, {points}{by_people}"
