"""`grader unsteady`."""

from __future__ import annotations

from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line
from grader.cli.options import Database

__all__ = ["unsteady"]


def unsteady(
    assignment: Annotated[
        str | None, typer.Option("--assignment", "-a", metavar="NAME", help="One assignment [default: all].")
    ] = None,
    one_in: Annotated[
        int | None,
        typer.Option(
            "--one-in",
            min=0,
            metavar="N",
            help="From now on run one attempt in N twice, of this assignment or of all; 0 for none.",
        ),
    ] = None,
    db: Database = None,
) -> int:
    """Show whose notebooks came to something else when the service ran them once more.

    Of what a server's workers grade, one attempt in a hundred is run twice: on another host, with another
    seed, after everything that waits. What differs in a criterion depends on chance. It changes no mark and
    costs nobody anything; look at it, and at the rubric, before students do.

    Example: grader unsteady --assignment lab2 --one-in 20
    """
    from grader.workflows.desk.steadiness import say_one_in, steadiness

    with setup.store(setup.settings(db=db)) as store:
        if one_in is not None:
            say_one_in(store, assignment or "", one_in)
        found = steadiness(store, assignment)
    rate = f"one attempt in {found.one_in} is run twice" if found.one_in else "no attempt is run twice"
    print_line(
        f"{found.compared} compared, {len(found.unsteady)} unsteady, {found.waiting} waiting,"
        f" {found.failed} could not be run; {rate}"
    )
    for each in found.unsteady:
        how = f"attempt {each.number}, first run by {each.host}, seeds {each.seeds[0]} and {each.seeds[1]}"
        print_line(f"{each.assignment}  {each.shown}  {how}")
        for other in each.differing:
            print_line(f"  {other.criterion}: {other.first}, then {other.second}: {other.said}")
    return 0
