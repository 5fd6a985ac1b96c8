"""`grader mark` and `grader pending`: the TA's own judgement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table
from grader.cli.options import Anonymous, Assignment, Database, Evidence, Students, User
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.workflows.marking.marks import Marked, MarkOrder, Pending

__all__ = ["mark", "pending"]


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
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A CSV of student, criterion, points, comment."),
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Give points that only a person can give; they survive every regrade.

    Example: grader mark s101 --assignment lab2 --criterion why-validation -p 2 -m "no reason"
    """
    from grader.workflows.marking.marks import give_marks, orders_for_zero, read_orders

    orders: list[MarkOrder] = []
    if table is not None:
        if (student, criterion, points, comment, take_back, zero) != (None, None, None, "", False, False):
            raise UsageError(
                "a table of marks and a single mark are two commands",
                expected="--from FILE alone, or STUDENT --criterion C --points P",
            )
        orders = read_orders(table)
    elif not zero:
        orders = [_order(student, criterion, points, comment, take_back)]
    elif student is None or criterion is not None or points is not None or take_back:
        raise UsageError("--zero settles a whole submission", expected="STUDENT --zero --comment TEXT")
    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        if zero and student is not None:
            orders = orders_for_zero(store, student, assignment, comment)
        given = give_marks(store, assignment, orders, actor=setup.actor(options))
    for item in given:
        print_line(_said(item))
    return 0


def _order(
    student: str | None, criterion: str | None, points: float | None, comment: str, take_back: bool
) -> MarkOrder:
    from grader.workflows.marking.marks import MarkOrder

    if student is None or criterion is None:
        raise UsageError(
            "a mark needs a student and a criterion", todo="STUDENT --criterion C, or --from FILE"
        )
    if (points is None) is not take_back:
        raise UsageError("a mark needs points", expected="either --points P or --take-back")
    return MarkOrder(student, criterion, points, comment)


def _said(item: Marked) -> str:
    before, after, out_of = map(number, (item.before, item.after, item.out_of))
    return f"{item.student}: {item.criterion}: {after} of {out_of} (was {before})"


def pending(
    assignment: Assignment,
    students: Students = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", "-c", metavar="C", help="Only this criterion.")
    ] = None,
    anonymous: Anonymous = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List what waits for a TA: the same criterion, student after student, with the cells to look at.

    Example: grader pending --assignment lab2 --criterion why-validation
    """
    from grader.workflows.marking.marks import list_pending

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        items = list_pending(
            store, assignment, students=students or (), criterion=criterion, anonymous=anonymous
        )
    if not items:
        print_line("nothing waits for a TA")
        return 0
    rows = [(item.criterion, item.student, *_details(item)) for item in items]
    print_table(("criterion", "student", "points", "why", "message", "cells"), rows, right=("points",))
    return 0


def _details(item: Pending) -> tuple[str, str, str, str]:
    return number(item.points), item.status, " ".join(item.message.split()), "; ".join(item.cells)
