"""`grader remark`: requests to look at a mark again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import number, print_labelled, print_line, print_table, print_text
from grader.cli.options import (
    Anonymous,
    AnyAssignment,
    Assignment,
    Database,
    Evidence,
    OneStudent,
    Seen,
    User,
)
from grader.grading.requests import Action, Kind, State

if TYPE_CHECKING:
    from datetime import tzinfo

    from grader.store.remarks import Remark
    from grader.workflows.marking.remark_list import Listed

__all__ = ["remark"]

remark = typer.Typer(help="Open, list and decide remark requests.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", help="Number of the request, as `remark list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the student.")]
LateBecause = Annotated[
    str, typer.Option("--late-because", metavar="TEXT", help="Why it is taken after the date.")
]


@remark.command("open")
def open_(
    student: OneStudent,
    assignment: Assignment,
    reason: Reason,
    criterion: Annotated[
        list[str] | None,
        typer.Option("--criterion", "-c", metavar="C", help="What to look at again; repeatable."),
    ] = None,
    kind: Annotated[Kind, typer.Option("--kind", help="What is asked for.")] = Kind.JUDGEMENT,
    accept: Annotated[
        bool, typer.Option("--accept", help="The requester accepts the course's rule.")
    ] = False,
    late_because: LateBecause = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Open a request; each criterion becomes a request of its own.

    Example: grader remark open s101 --assignment lab2 -c loss-function -m "see cell 9" --accept
    """
    from grader.workflows.marking.remark import Request, open_request

    options = setup.settings(db=db, evidence=evidence, user=user)
    requests = [
        Request(student, assignment, name, kind, reason, accept, late_because) for name in criterion or [""]
    ]
    with setup.store(options) as store:
        opened = open_request(store, requests, actor=setup.actor(options))
    for item in opened:
        print_line(f"request {item.id} on {_about(item)} is submitted")
    return 0


@remark.command("list")
def list_(
    assignment: AnyAssignment = None,
    student: Annotated[str | None, typer.Option("--student", metavar="S", help="Only this student.")] = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", "-c", metavar="C", help="Only this criterion.")
    ] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only requests in this state.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that wait for a decision.")] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those that wait though the course's date has passed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
    anonymous: Anonymous = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """List requests with their age and the date until which the course takes requests.

    Example: grader remark list --assignment lab2 --open
    """
    from grader.workflows.marking.remark_list import list_requests, with_deadlines
    from grader.workflows.views.show import name_of

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        requests = list_requests(
            store,
            assignment=assignment,
            student=student,
            criterion=criterion,
            state=state,
            only_open=only_open,
        )
        found = [item for item in with_deadlines(store, requests) if item.overdue or not overdue]
        names, zone = name_of(store, anonymous), store.zone
    if as_json:
        print_text(json.dumps([_plain(item, names(item.remark.student)) for item in found], indent=2) + "\n")
        return 0
    if not found:
        print_line("no remark requests")
        return 0
    rows = [_row(item, names(item.remark.student), zone) for item in found]
    columns = ("id", "student", "assignment", "about", "state", "was", "is", "age", "deadline", "reason")
    print_table(columns, rows, right=("id", "was", "is", "age"))
    return 0


def _plain(listed: Listed, name: str) -> dict[str, Any]:
    """A request as plain data; times in ISO 8601."""
    item = listed.remark
    decided = item.decision
    return {
        "id": item.id,
        "student": name,
        "assignment": item.assignment,
        "criterion": item.criterion or None,
        "kind": item.kind.value,
        "state": item.state.value,
        "open": item.state.is_open,
        "reason": item.reason,
        "opened_at": item.opened_at.isoformat(),
        "late_because": item.late_because or None,
        "points_before": item.points_before,
        "out_of": item.out_of,
        "points": None if decided is None else decided.points,
        "decided_by": None if decided is None else decided.by,
        "deadline": None if listed.deadline is None else listed.deadline.isoformat(),
        "overdue": listed.overdue,
    }


def _row(listed: Listed, name: str, zone: tzinfo | None) -> tuple[str, ...]:
    item = listed.remark
    decided = item.decision.points if item.decision else None
    late = f"late: {item.late_because}; " if item.late_because else ""
    return (
        str(item.id),
        name,
        item.assignment,
        item.criterion or "the sum",
        item.state.value,
        number(item.points_before),
        number(decided),
        f"{listed.age.days} d",
        _deadline(listed, zone),
        late + " ".join(item.reason.split()),
    )


def _deadline(listed: Listed, zone: tzinfo | None) -> str:
    from grader.grading.times import date_in_words

    if listed.deadline is None:
        return "-"
    shown = date_in_words(listed.deadline, zone)
    return f"{shown}, overdue" if listed.overdue else shown


@remark.command()
def show(id: Id, anonymous: Anonymous = False, db: Database = None, evidence: Evidence = None) -> int:
    """Show a request beside its criterion, the evidence, the old mark and the history.

    Example: grader remark show 57
    """
    from grader.workflows.marking.remark_view import view_of

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        view = view_of(store, id, anonymous=anonymous)
    print_labelled(view.parts)
    return 0


@remark.command()
def review(id: Id, db: Database = None, evidence: Evidence = None, user: User = None) -> int:
    """Take a request under review.

    Example: grader remark review 57
    """
    return _act("review", id, "", db, evidence, user)


@remark.command()
def withdraw(
    id: Id, reason: Reason = "", db: Database = None, evidence: Evidence = None, user: User = None
) -> int:
    """Withdraw a request; the mark stays.

    Example: grader remark withdraw 57
    """
    return _act("withdraw", id, reason, db, evidence, user)


@remark.command()
def escalate(
    id: Id, reason: Reason, db: Database = None, evidence: Evidence = None, user: User = None
) -> int:
    """Ask for a last look at a decision.

    Example: grader remark escalate 57 --reason "the handout says otherwise"
    """
    return _act("escalate", id, reason, db, evidence, user)


@remark.command()
def decide(
    id: Id,
    reason: Reason,
    points: Annotated[
        float | None, typer.Option("--points", "-p", metavar="P", help="Points of the criterion from now on.")
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Turn the request down; the mark stays.")] = False,
    seen: Seen = None,
    keep_back: Annotated[
        bool, typer.Option("--keep-back", help="Show the answer with the next release, not now.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Decide a request; raised, lowered or unchanged follows from the points.

    Example: grader remark decide 57 --points 3 --reason "the loss fits after all"
    """
    from grader.errors import UsageError
    from grader.grading.seen import read_seen
    from grader.workflows.marking.remark import decide as decide_request
    from grader.workflows.releasing.release import showing_of

    if reject:
        if points is not None:
            raise UsageError(
                "a rejected request leaves the mark as it is", todo="leave out --points or --reject"
            )
        return _act("reject", id, reason, db, evidence, user, show=not keep_back)
    options = setup.settings(db=db, evidence=evidence, user=user)
    shown = None if seen is None else read_seen(seen)
    with setup.store(options) as store:
        actor = setup.actor(options)
        done = decide_request(
            store, id, points=points, reason=reason, actor=actor, seen=shown, show=not keep_back
        )
        showing = showing_of(store, done.remark)
    print_line(
        f"request {id} is {done.remark.state.value}: {_about(done.remark)} {done.effect.value},"
        f" {number(done.before)} -> {number(done.after)} of {number(done.remark.out_of)}"
    )
    if showing.released and not showing.is_shown:
        print_line(f"the student does not see it yet: {done.kept_back}")
    return 0


@remark.command("show-answer")
def show_answer(id: Id, db: Database = None, evidence: Evidence = None, user: User = None) -> int:
    """Show an answer that was kept back to its student.

    Example: grader remark show-answer 57
    """
    from grader.workflows.releasing.release import show_answer as show_it

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        show_it(store, id, actor=setup.actor(options))
    print_line(f"the answer to request {id} is shown to the student")
    return 0


@remark.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV of student, criterion, reason, accepted[, kind, submitted, late_because].",
        ),
    ],
    assignment: Assignment,
    late_because: LateBecause = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Open the requests of a form's export; rows that cannot be taken are named.

    The course's dates go by the column submitted, a time with its zone; without it, by now. A table that
    grew can be given again: requests that are there already stay as they are.

    Example: grader remark import requests.csv --assignment lab2
    """
    from grader.workflows.marking.remark_import import import_requests

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        done = import_requests(
            store, file, assignment=assignment, actor=setup.actor(options), late_because=late_because
        )
    for item in done.opened:
        print_line(f"request {item.id} on {_about(item)} of {item.student} is submitted")
    for item in done.known:
        print_line(f"already request {item.id} on {_about(item)} of {item.student}: {item.state.value}")
    for problem in done.problems:
        print_line(" ".join(str(problem).split()))
    known = f", {len(done.known)} there already" if done.known else ""
    print_line(f"{len(done.opened)} taken{known}, {len(done.problems)} not")
    return 2 if done.problems else 0


def _act(
    word: str,
    id: int,
    reason: str,
    db: str | None,
    evidence: str | None,
    user: str | None,
    *,
    show: bool = True,
) -> int:
    from grader.workflows.marking.remark import act

    options = setup.settings(db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        after = act(store, id, Action(word), actor=setup.actor(options), reason=reason, show=show)
    print_line(f"request {id} on {_about(after)} is {after.state.value.replace('_', ' ')}")
    return 0


def _about(item: Remark) -> str:
    return item.criterion or "the sum"
