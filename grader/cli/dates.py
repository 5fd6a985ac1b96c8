"""`grader dates`, `grader extend` and `grader excuse`: until when, for whom, and who owes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import Assignment, Database, Evidence, Students, User
from grader.grading.times import date_in_words, in_words

if TYPE_CHECKING:
    from grader.store import Store
    from grader.workflows.setting_up.dates import DatesView

__all__ = ["dates", "excuse", "extend"]

#: In place of a date: what the rubric says.
_RUBRIC = "rubric"
_LABELS = {
    "due": "due",
    "until": "nothing counts after",
    "remarks_from": "remark requests from",
    "remarks_until": "remark requests until",
}

Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for the history.")]
Section = Annotated[
    str, typer.Option("--section", metavar="S", help="All of this section of the roster as well.")
]


def dates(
    assignment: Assignment,
    due: Annotated[
        str, typer.Option("--due", metavar="T", help="When it is due, as 2026-03-10T23:59; or: rubric.")
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="T", help="After when nothing counts; or: rubric.")
    ] = "",
    remarks_from: Annotated[
        str, typer.Option("--remarks-from", metavar="T", help="From when remark requests are taken.")
    ] = "",
    remarks_until: Annotated[
        str, typer.Option("--remarks-until", metavar="T", help="Until when remark requests are taken.")
    ] = "",
    reason: Reason = "",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Set an assignment's dates in place of the rubric's; marks follow at once. Without a date: show them.

    Example: grader dates --assignment lab2 --due 2026-03-12T23:59 --reason "the cluster was down"
    """
    from grader.workflows.setting_up.dates import KEYS, dates_view, set_dates
    from grader.workflows.setting_up.moments import moment

    options = setup.settings(db=db, evidence=evidence, user=user)
    typed = dict(zip(KEYS, (due, until, remarks_from, remarks_until), strict=True))
    with setup.store(options) as store:
        zone = store.zone
        changed: Mapping[str, datetime | None] = {
            key: None if text == _RUBRIC else moment(text, zone, f"--{key.replace('_', '-')}")
            for key, text in typed.items()
            if text
        }
        if changed:
            view = set_dates(store, assignment, changed, reason, actor=setup.actor(options))
        else:
            view = dates_view(store, assignment)
    _print_dates(view, zone)
    return 0


def _print_dates(view: DatesView, zone: tzinfo | None) -> None:
    course = view.course.dates if view.course else ()
    rows = []
    for place, (key, label) in enumerate(_LABELS.items()):
        own, now = getattr(view.rubrics, key), getattr(view.now, key)
        by = "the course" if course and course[place] else "the rubric" if own else ""
        rows.append((label, date_in_words(now, zone) if now else "-", by))
    print_table(("date", "when", "by"), rows)
    if view.course is not None:
        print_line(f"set by {view.course.by}, {in_words(view.course.at, zone)}: {view.course.reason}")


def extend(
    assignment: Assignment,
    students: Students = None,
    until: Annotated[
        str, typer.Option("--until", metavar="T", help="Until when they are in time, as 2026-03-17T23:59.")
    ] = "",
    reason: Reason = "",
    section: Section = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take an extension back.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Let students hand in until a later date; marks follow at once. Without a student: list extensions.

    Example: grader extend s101 --assignment lab2 --until 2026-03-17T23:59 --reason "ill, by certificate"
    """
    from grader.workflows.setting_up.dates import extend as give
    from grader.workflows.setting_up.dates import extensions_of, take_back
    from grader.workflows.setting_up.moments import moment

    options = setup.settings(db=db, evidence=evidence, user=user)
    actor = setup.actor(options)
    with setup.store(options) as store:
        zone = store.zone
        if not students and not section:
            rows = [
                (student, date_in_words(each.until, zone), each.by, each.reason)
                for student, each in extensions_of(store, assignment).items()
            ]
            _print_or("nobody has an extension", ("student", "until", "by", "why"), rows)
        elif undo:
            for student in take_back(store, assignment, students or [], reason, section=section, actor=actor):
                print_line(f"{student}: as for all again")
        else:
            date = moment(until, zone, "--until")
            for student in give(
                store, assignment, students or [], date, reason, section=section, actor=actor
            ):
                print_line(f"{student}: until {date_in_words(date, zone)}")
    return 0


def excuse(
    assignment: Assignment,
    students: Students = None,
    reason: Reason = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let them owe the work again.")] = False,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Excuse students: nothing of theirs counts or is missing. Without a student: list who is excused.

    Exports say so in the course system's words (EX in Canvas); where it has none they are left out and named.
    What should not be there at all is for `grader drop`.

    Example: grader excuse s101 --assignment lab2 --reason "exchange semester"
    """
    from grader.workflows.setting_up.excusing import excuse as give
    from grader.workflows.setting_up.excusing import take_back_excuse

    options = setup.settings(db=db, evidence=evidence, user=user)
    actor = setup.actor(options)
    with setup.store(options) as store:
        if not students:
            rows = _excused(store, assignment)
            _print_or("nobody is excused", ("student", "by", "when", "why"), rows)
        elif undo:
            for student in take_back_excuse(store, assignment, students, reason, actor=actor):
                print_line(f"{student}: no longer excused")
        else:
            for student in give(store, assignment, students, reason, actor=actor):
                print_line(f"{student}: excused; --undo takes it back")
    return 0


def _excused(store: Store, assignment: str) -> list[tuple[str, str, str, str]]:
    from grader.workflows.setting_up.excusing import excuses_of

    zone = store.zone
    return [
        (student, each.by, in_words(each.at, zone), each.reason)
        for student, each in excuses_of(store, assignment).items()
    ]


def _print_or(nothing: str, columns: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> None:
    if rows:
        print_table(columns, rows)
    else:
        print_line(nothing)
