"""What people decided on a criterion, one after the other, and what became of remark requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.grading.marks import CriterionMark, not_undone
from grader.grading.requests import State
from grader.grading.times import in_zone
from grader.reporting.model import ReportInput

__all__ = ["Asked", "Told", "asked", "told"]

_STATES = {
    State.SUBMITTED: "it waits for a TA",
    State.UNDER_REVIEW: "a TA looks at it",
    State.RESOLVED: "it was decided",
    State.REJECTED: "the mark stays as it was",
    State.WITHDRAWN: "it was withdrawn",
    State.ESCALATED: "it is decided once more",
    State.FINAL: "it was decided for good",
}


@dataclass(frozen=True)
class Told:
    """One decision that counts, or that counted until the next.

    Attributes:
        out_of: What the criterion was worth then.
        request: The remark request that it answers; None for a TA's own mark.
    """

    at: datetime
    before: float
    after: float
    out_of: float
    why: str
    request: int | None


@dataclass(frozen=True)
class Asked:
    """A remark request in words; `answer` is empty where a decision tells it."""

    at: datetime
    reason: str
    state: str
    is_open: bool
    answer: str


def told(report: ReportInput, item: CriterionMark) -> tuple[Told, ...]:
    """Decisions on a criterion, oldest first, each with what counted before it.

    A mark that a TA took back or undid is no part of it, an answer to a remark request always is.
    """
    notes = {note.id: note for note in report.remarks}
    made = not_undone(report.decisions)
    history = [decision for decision in made if decision.criterion == item.criterion]
    found: list[Told] = []
    for decision in history or ([item.decision] if item.decision else []):
        if decision.points is None:
            found = [each for each in found if each.request is not None]
            continue
        answered = {each.request for each in found}
        before = found[-1].after if found else item.finding.points
        if decision.request in notes and decision.request not in answered:
            before = notes[decision.request].points_before
        worth = item.out_of if decision.out_of is None else decision.out_of
        after = max(0.0, min(decision.points, worth))
        found.append(
            Told(in_zone(decision.at, report.zone), before, after, worth, decision.why, decision.request)
        )
    return tuple(found)


def asked(report: ReportInput, criterion: str) -> tuple[Asked, ...]:
    """The requests about a criterion; with an empty name those about the sum."""
    return tuple(
        Asked(
            in_zone(note.asked_at, report.zone),
            note.reason,
            _STATES[note.state],
            note.state.is_open,
            note.answer,
        )
        for note in report.remarks
        if note.criterion == criterion
    )
