"""What people decided on a criterion, one after the other, and what became of remark requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.grading.marks import CriterionMark
from grader.grading.requests import State
from grader.reporting.model import RemarkNote, ReportInput

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
        request: The remark request that it answers; None for a TA's own mark.
    """

    at: datetime
    before: float
    after: float
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

    A mark that a TA took back is no part of it, an answer to a remark request always is.
    """
    notes = {note.id: note for note in report.remarks}
    made = sorted(report.decisions, key=lambda decision: decision.seq)
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
        after = max(0.0, min(decision.points, item.out_of))
        found.append(Told(decision.at, before, after, decision.why, decision.request))
    return tuple(found)


def asked(notes: tuple[RemarkNote, ...], criterion: str) -> tuple[Asked, ...]:
    """The requests about a criterion; with an empty name those about the sum."""
    return tuple(
        Asked(note.asked_at, note.reason, _STATES[note.state], note.state.is_open, note.answer)
        for note in notes
        if note.criterion == criterion
    )
