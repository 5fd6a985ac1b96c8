"""`grader show`: reading what the history holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import number, print_guides, print_line, print_table, print_text
from grader.cli.options import Assignment, Database, Evidence, OneStudent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from grader.grading.marks import CriterionMark, Decision, Mark
    from grader.store.remarks import Remark
    from grader.store.results import Result
    from grader.workflows.views.cells import NamedCells
    from grader.workflows.views.telling import Told

__all__ = ["show"]


def show(
    student: OneStudent,
    assignment: Assignment,
    as_json: Annotated[bool, typer.Option("--json", help="The same as `grader export json`.")] = False,
    history: Annotated[bool, typer.Option("--history", help="All that ever happened, oldest first.")] = False,
    why: Annotated[
        bool, typer.Option("--why", help="What the mark stands on: digests, versions, seed, rubric.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Show one student's marks, criterion by criterion.

    Example: grader show s101 --assignment lab2
    """
    from grader.grading.held import parted
    from grader.reporting.advice import advice
    from grader.workflows.views.at_hand import guides
    from grader.workflows.views.attempt_ending import ending
    from grader.workflows.views.cells import NamedCells
    from grader.workflows.views.dropped import how_to_bring_back, why_dropped
    from grader.workflows.views.held import why_held
    from grader.workflows.views.identity import shown_as
    from grader.workflows.views.provenance import stands_on
    from grader.workflows.views.report import report_input
    from grader.workflows.views.show import find_result, requests_of, timeline
    from grader.workflows.views.telling import tell

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        result = find_result(store, student, assignment)
        entries = timeline(store, result.student, assignment) if history else None
        basis = stands_on(store, result) if why else None
        detail = "" if as_json else parted(ending(store, result))[0]
        asked = requests_of(store, result)
        rows = [] if as_json else _criteria(result, NamedCells(store, result))
        earning = {} if as_json else guides(store, result.rubric)
        gone = result.dropped is not None and result.dropped.erased
        held = report_input(store, result) if why_held(result) and not (as_json or gone) else None
    shown = shown_as(student, result.student)
    told = None if entries is None else tell(entries, result.student, shown)
    if as_json:
        print_text(json.dumps(_plain(result, shown, told, basis), indent=2) + "\n")
        return 0
    _print_result(result, shown, detail, rows)
    waiting = result.mark.criteria if rows and result.mark else ()
    print_guides({item.criterion: earning.get(item.criterion, "") for item in waiting if item.pending})
    if result.dropped is not None:
        print_line(f"{why_dropped(result)}; it counts nowhere")
        print_line(how_to_bring_back(result, shown))
    _print_requests(asked, shown, result.zone)
    if held is not None:
        print_line("could not be taken; no mark goes out until a TA has looked. The student's page says:")
        for label, text in advice(replace(held, contact=options.contact or "")):
            print_line(f"  {label}: {text}")
    if told is not None:
        _print_history(told, result.zone)
    if basis is not None:
        _print_basis(basis)
    return 0 if result.unreadable is None and not result.damaged else 1


def _plain(
    result: Result, shown: str, told: list[Told] | None, basis: dict[str, Any] | None
) -> dict[str, Any] | None:
    """As `grader export json` has it, with what else is asked for; None before any attempt."""
    from grader.workflows.views.export import as_plain

    plain = as_plain(result) if result.attempt else None
    more: dict[str, Any] = {} if told is None else {"history": [row.plain() for row in told]}
    if basis is not None:
        more["stands_on"] = basis
    if plain is None and not more:
        return None
    names = {"student": shown, "assignment": result.assignment}
    return {**(plain or {}), **names, **more}


def _criteria(result: Result, cells: NamedCells) -> list[tuple[str, ...]]:
    """A row for each criterion; none while all of them wait for one reason, which is told once."""
    from grader.workflows.views.held import why_held

    if result.mark is None or (why_held(result) and not result.decisions):
        return []
    criteria = result.mark.criteria
    return [_row(result, criterion, cells) for criterion in criteria]


def _print_result(result: Result, shown: str, detail: str, rows: Sequence[Sequence[str]]) -> None:
    print_line(f"{shown}, {result.assignment}")
    attempt, mark = result.attempt, result.mark
    if result.damaged:
        print_line(f"{result.damaged}; `grader audit` tells more")
        return
    if attempt is None:
        print_line("not run yet; `grader run` goes on")
        return
    ended = f"{attempt.outcome}: {detail}" if detail else attempt.outcome
    print_line(f"attempt {attempt.number}, {ended}, {attempt.wall_time_s:.1f} s")
    if mark is None:
        unread = result.unreadable
        if unread is None:
            print_line("not judged yet; `grader run` or `grader regrade` judges it")
        else:
            print_line(f"its verdict, row {unread}, cannot be read; `grader regrade` judges again, and")
            print_line("`grader audit` tells whether it was changed after it was written")
        return
    columns = ("criterion", "status", "points", "out of", "seen", "decided", "message")
    if rows:
        print_table(columns, rows, right=("points", "out of"))
    if mark.late is not None:
        print_line(f"late: {number(0 - mark.late.points)} points: {mark.late.why}")
    print_line(_total(mark))


def _print_requests(requests: Sequence[Remark], shown: str, zone: tzinfo | None) -> None:
    """Requests and what was answered; who acts on their own goes by the name that is shown."""
    from grader.grading.times import in_zone

    for remark in requests:
        about, state = remark.criterion or "the sum", remark.state.value.replace("_", " ")
        opened = in_zone(remark.opened_at, zone).strftime("%Y-%m-%d")
        print_line(
            f"remark request {remark.id} on {about}, {opened}: {state}: {' '.join(remark.reason.split())}"
        )
        for step in remark.steps:
            if step.reason:
                who = shown if step.by == remark.student else step.by
                print_line(f"  {who}: {step.action.value}: {' '.join(step.reason.split())}")


def _decided(result: Result, mark: CriterionMark) -> str:
    """Who decided and what each wrote, oldest first; marks that were taken back are left to the history."""
    from grader.grading.marks import not_undone

    made = [decision for decision in not_undone(result.decisions) if decision.criterion == mark.criterion]
    told: list[Decision] = []
    for decision in sorted(made, key=lambda decision: decision.seq):
        if decision.points is None:
            told = [each for each in told if each.request is not None]
        else:
            told.append(decision)
    if len(told) < 2:
        return f"{told[0].by}: {told[0].why}" if told else ""
    return "; then ".join(f"{each.by}: {number(each.points)} points: {each.why}" for each in told)


def _row(result: Result, mark: CriterionMark, cells: NamedCells) -> tuple[str, ...]:
    from grader.workflows.marking.seen import seen_in

    finding = mark.finding
    message = " ".join(cells.text(mark.told).split())
    places = "; ".join(cells.places(finding.where[:3], message))
    return (
        finding.criterion,
        mark.status,
        number(mark.points),
        number(mark.out_of),
        str(seen_in(result, mark)),
        _decided(result, mark),
        f"{message} [{places}]" if places else message,
    )


def _total(mark: Mark) -> str:
    pending = f", {number(mark.pending)} pending" if mark.pending else ""
    points = (
        "no points yet" if mark.shown is None else f"{number(mark.points)} of {number(mark.out_of)} points"
    )
    return f"{points}{pending}"


def _print_history(told: list[Told], zone: tzinfo | None) -> None:
    from grader.grading.times import in_words

    rows = [(str(row.seq), in_words(row.at, zone), row.who, row.why, _in_full(row)) for row in told]
    print_table(("row", "when", "who", "why", "what"), rows, right=("row",))


def _in_full(row: Told) -> str:
    return "; ".join((row.what, *row.changes))


def _print_basis(basis: dict[str, Any]) -> None:
    print_line("stands on:")
    for name, value in basis.items():
        text = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        print_line(f"  {name.replace('_', ' '):<14}{'-' if text in (None, '') else text}")
    if "rubric_row" in basis:
        print_line(f"`grader rubric show --row {basis['rubric_row']}` prints the rubric as it read then")
