"""What judging again changes, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.cli.console import number, print_line, print_lines, print_table

if TYPE_CHECKING:
    from grader.grading.late import LateLine
    from grader.workflows.regrading.regrade import Regraded
    from grader.workflows.running.edited_rubric import EditedRubric

__all__ = ["print_changes", "print_edited"]


def print_changes(done: Sequence[Regraded], criterion: str | None, left_alone: int, dry_run: bool) -> None:
    """Criterion by criterion who gains and who loses, lateness last, then how many of each.

    Args:
        done: Whom it concerns.
        criterion: The only one to list; of the others it is said how many change.
        left_alone: How many keep their verdict because this criterion stays as it is.
        dry_run: Whether nothing was written.
    """
    rows = [row for item in done for row in _rows(item, criterion)]
    columns = ("student", "criterion", "was", "points", "is", "points now", "difference", "note")
    if rows:
        print_table(columns, rows, right=("points", "points now", "difference"))
    up, down = (sum(sign * item.difference > 0 for item in done) for sign in (1, -1))
    would = "would go" if dry_run else "went"
    print_line(f"{up} {would} up, {down} down, {len(done) - up - down} same")
    if criterion is not None:
        _say_of_others(done, criterion, left_alone)
    for item in done:
        if item.problem:
            print_lines(f"{item.student}: not judged: {item.problem}")
    _say_missing(done)
    if dry_run:
        print_line("nothing was written")


def print_edited(edited: EditedRubric) -> None:
    """What an edited rubric makes of marks that are there, before any is written."""
    names = ", ".join(edited.assignments)
    for each in edited.published:
        print_line(f"{each.rubric.assignment}: {each.rubric.name} was {each}; {each.how_to_take_over}")
    print_line(f"{names}: the rubric is another than the one that these marks stand on")
    if edited.judged:
        print_changes(edited.judged, None, 0, dry_run=True)
    if edited.to_run:
        whose = ", ".join(sorted({student for _, student in edited.to_run}))
        print_line(f"run again, because it asks for what was not recorded, and may change: {whose}")


def _say_of_others(done: Sequence[Regraded], criterion: str, left_alone: int) -> None:
    """What else the verdicts bring in which one criterion changes, and who is left out."""
    others = [each.criterion for item in done for each in item.changes if each.criterion != criterion]
    others += ["lateness" for item in done if item.lateness]
    if others:
        count = "1 change" if len(others) == 1 else f"{len(others)} changes"
        print_line(
            f"with '{criterion}' come {count} of other criteria ({', '.join(sorted(set(others)))}),"
            " counted above and listed without --criterion"
        )
    if left_alone:
        print_line(f"{left_alone} left alone: '{criterion}' stays as it is")


def _rows(item: Regraded, criterion: str | None) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (
            item.student,
            change.criterion,
            change.before.found.value if change.before else "-",
            number(change.before.points if change.before else None),
            change.after.found.value if change.after else "-",
            number(change.after.points if change.after else None),
            f"{change.difference:+g}",
            change.note,
        )
        for change in item.changes
        if criterion in (None, change.criterion)
    ]
    late = item.lateness if criterion is None else None
    if late is not None:
        was, now = _lateness(late.before), _lateness(late.after)
        rows.append((item.student, "(lateness)", *was, *now, f"{late.difference:+g}", ""))
    return rows


def _lateness(line: LateLine | None) -> tuple[str, str]:
    """How late, and the points that this adds to the mark."""
    if line is None:
        return "in time", number(0.0)
    if line.undecided:
        return "late, nobody knows how much", number(0.0)
    return f"{line.days} {'day' if line.days == 1 else 'days'} late", number(0 - line.points)


def _say_missing(done: Sequence[Regraded]) -> None:
    lacking = [item.student for item in done if item.missing]
    if lacking:
        criteria = sorted({name for item in done for name in item.missing})
        print_line(
            f"evidence for {', '.join(criteria)} was never recorded for {len(lacking)} submissions"
            f" ({', '.join(lacking[:8])}{', ...' if len(lacking) > 8 else ''});"
            " `grader regrade --rerun` runs them again"
        )
