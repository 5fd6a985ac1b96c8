"""`grader alike`: alike answers and findings, decided in one go; `grader undo`: one's last mark undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table
from grader.cli.options import Anonymous, Assignment, Database, Evidence, User
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.store import Store
    from grader.workflows.desk.groups import Group, Groups

__all__ = ["alike", "undo"]

_NAMED = 5


def alike(
    assignment: Assignment,
    criterion: Annotated[
        str, typer.Option("--criterion", "-c", metavar="C", help="The criterion, as why-validation.")
    ],
    student: Annotated[
        str | None, typer.Argument(metavar="[STUDENT]", help="One of the group to be decided on.")
    ] = None,
    points: Annotated[
        float | None, typer.Option("--points", "-p", metavar="P", help="Points for each of the group.")
    ] = None,
    comment: Annotated[
        str, typer.Option("--comment", "-m", metavar="TEXT", help="Why, for the students.")
    ] = "",
    anonymous: Anonymous = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """List who answered alike of what waits, or give all of one group the same points by one decision.

    Nearly equal answers are named with what differs, and are in no decision: look at each.

    Example: grader alike s101 --assignment lab2 --criterion why-validation -p 2 -m "no reason"
    """
    from grader.workflows.desk.groups import groups_of
    from grader.workflows.views.identity import is_pseudonym

    if (student is None) is not (points is None):
        raise UsageError(
            "a decision about a group needs points and one of its students",
            expected="STUDENT --points P; or neither, to list the groups",
        )
    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        blind = anonymous or (student is not None and is_pseudonym(student))
        groups = groups_of(store, assignment, criterion, anonymous=blind)
        if student is not None and points is not None:
            _give(store, groups, student, points, comment, setup.actor(options))
            return 0
    _print_groups(groups)
    return 0


def _give(store: Store, groups: Groups, student: str, points: float, comment: str, actor: str) -> None:
    from grader.workflows.desk.deciding import Alike, decide_alike
    from grader.workflows.views.identity import real_names, shown_as

    with store.reading() as history:
        [name] = real_names(history, groups.assignment, [student])
    group = groups.group_of(name)
    if group is None:
        raise UsageError(
            f"{shown_as(student, name)} is alike no other of what waits for '{groups.criterion}'",
            todo=f"give a mark of its own: grader mark {student} -c {groups.criterion} --points P",
        )
    about = [Alike(member.shown, member.seen) for member in group.members]
    done = decide_alike(store, groups.assignment, groups.criterion, points, comment, about, actor=actor)
    for item in done.marked:
        print_line(
            f"{item.student}: {item.criterion}: {number(item.after)} of {number(item.out_of)}"
            f" (was {number(item.before)})"
        )
    print_line(f"one decision, row {done.seq}; `grader undo -a {groups.assignment}` undoes it as one")


def _print_groups(groups: Groups) -> None:
    if not groups.groups:
        print_line(f"{groups.waits} of {groups.of} wait, and none is like another")
        return
    columns = ("alike", "waiting", "decided", "students", "nearly alike")
    print_table(columns, [_row(group) for group in groups.groups], right=("waiting",))
    print_line(f"{groups.waits} of {groups.of} wait; like no other: {len(groups.single)}")


def _row(group: Group) -> tuple[str, ...]:
    names = [member.shown for member in group.members]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    decided = ", ".join(f"{count} got {number(points)}" for points, count in group.decided)
    near = "; ".join(f"{member.shown} ({', '.join(member.differs)})" for member in group.near[:_NAMED])
    return group.why, str(group.size), decided, f"{', '.join(names[:_NAMED])}{more}", near


def undo(
    assignment: Assignment,
    criterion: Annotated[
        str | None, typer.Option("--criterion", "-c", metavar="C", help="Only a mark of this criterion.")
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Undo the last mark that you gave, or your last decision about several; what was before counts again.

    Nothing is deleted: undoing is a row of the history as well.

    Example: grader undo --assignment lab2
    """
    from grader.workflows.desk.deciding import undo_last

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        done = undo_last(store, assignment, actor=setup.actor(options), criterion=criterion)
    for item in done.marked:
        print_line(
            f"{item.student}: {item.criterion}: {number(item.after)} of {number(item.out_of)}"
            f" (was {number(item.before)})"
        )
    if done.kept:
        print_line(f"marked by somebody since, and left as it is: {', '.join(done.kept)}")
    return 0
