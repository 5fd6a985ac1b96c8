"""`grader mark`: the TA's own judgement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_labelled, print_line
from grader.cli.options import Assignment, Database, Evidence, Seen, User
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.workflows.marking.marks import Marked, MarkOrder
    from grader.workflows.upkeep.settings import Settings

__all__ = ["mark"]


def mark(
    assignment: Assignment,
    student: Annotated[
        str | None, typer.Argument(metavar="[STUDENT]", help="The student, or a pseudonym of a listing.")
    ] = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", "-c", metavar="C", help="The criterion, as why-validation.")
    ] = None,
    points: Annotated[
        float | None, typer.Option("--points", "-p", metavar="P", help="Points to give.")
    ] = None,
    comment: Annotated[
        str, typer.Option("--comment", "-m", metavar="TEXT", help="Why, for the student.")
    ] = "",
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Let the grader's own verdict count again.")
    ] = False,
    zero: Annotated[
        bool, typer.Option("--zero", help="Nothing for a whole submission that could not be taken.")
    ] = False,
    only: Annotated[
        bool, typer.Option("--only", help="For this student alone, where a group handed in together.")
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A CSV of student, criterion, points, comment[, seen]."),
    ] = None,
    seen: Seen = None,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Give points that only a person can give; they survive every regrade.

    Another person's mark is replaced only where --seen says that you saw it: `grader show` prints what.
    Without --points it shows what there is to see, and gives nothing.

    Example: grader mark s101 --assignment lab2 --criterion why-validation -p 2 -m "no reason"
    """
    from grader.workflows.marking.marks import give_marks, orders_for_zero, read_orders

    if table is None and student and criterion and not (zero or take_back or comment) and points is None:
        _show(student, assignment, criterion, setup.settings(db=db, evidence=evidence))
    orders: list[MarkOrder] = []
    if table is not None:
        single = (student, criterion, points, comment, take_back, zero, seen, only)
        if single != (None, None, None, "", False, False, None, False):
            raise UsageError(
                "a table of marks and a single mark are two commands",
                expected="--from FILE alone, or STUDENT --criterion C --points P",
            )
        orders = read_orders(table)
    elif not zero:
        orders = [_order(student, criterion, points, comment, take_back, seen, only)]
    elif student is None or criterion is not None or points is not None or take_back or seen:
        raise UsageError("--zero settles a whole submission", expected="STUDENT --zero --comment TEXT")
    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        if zero and student is not None:
            orders = orders_for_zero(store, student, assignment, comment)
        given = give_marks(store, assignment, orders, actor=setup.actor(options))
    for item in given:
        print_line(_said(item))
    return 0


def _show(student: str, assignment: str, criterion: str, options: Settings) -> None:
    """What whoever gives points has to see before."""
    from grader.workflows.marking.preview import preview

    with setup.store(options) as store:
        parts = preview(store, student, assignment, criterion)
    print_labelled(parts)


def _order(
    student: str | None,
    criterion: str | None,
    points: float | None,
    comment: str,
    take_back: bool,
    seen: str | None,
    only: bool,
) -> MarkOrder:
    from grader.grading.seen import read_seen
    from grader.workflows.marking.marks import MarkOrder

    if student is None or criterion is None:
        raise UsageError(
            "a mark needs a student and a criterion", todo="STUDENT --criterion C, or --from FILE"
        )
    if (points is None) is not take_back:
        raise UsageError("a mark needs points", expected="either --points P or --take-back")
    shown = None if seen is None else read_seen(seen)
    return MarkOrder(student, criterion, points, comment, seen=shown, only=only)


def _said(item: Marked) -> str:
    before, after, out_of = map(number, (item.before, item.after, item.out_of))
    others = f", and the same for {item.fellows} more of the group" if item.fellows else ""
    return f"{item.student}: {item.criterion}: {after} of {out_of} (was {before}){others}"
