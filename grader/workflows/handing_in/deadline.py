"""Until when a student may hand in and what it costs later, told before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from grader.grading.late import HandedIn, LateLine, late_line
from grader.grading.times import date_in_words
from grader.rubric.model import LatePolicy, Rubric
from grader.store import History

__all__ = ["Deadline", "deadline", "deadline_of"]


@dataclass(frozen=True)
class Deadline:
    """What a student is told before they hand in.

    Attributes:
        policy: Theirs; None where nothing is ever late.
        now: What handing in at this moment would cost; None for nothing.
        zone: In which the course tells times.
    """

    policy: LatePolicy | None
    now: LateLine | None
    zone: tzinfo | None

    @property
    def is_over(self) -> bool:
        """Whether what comes now counts for nothing."""
        return self.now is not None and self.now.stopped

    @property
    def due(self) -> str:
        return "" if self.policy is None else date_in_words(self.policy.due, self.zone)

    @property
    def until(self) -> str:
        """After which nothing counts; empty where there is no such date."""
        last = None if self.policy is None else self.policy.until
        return "" if last is None else date_in_words(last, self.zone)

    @property
    def rule(self) -> str:
        """What a day late costs; empty where it costs nothing."""
        policy = self.policy
        if policy is None or not policy.per_day:
            return ""
        whole = "that could be had" if policy.share_of == "out_of" else "earned"
        said = f"{100 * policy.per_day:g} % of the points {whole} for each day begun"
        if policy.grace_minutes:
            said += f", once it is {policy.grace_minutes:g} minutes late"
        if policy.tokens:
            said += f"; {_count(policy.tokens, 'late day')} of the course are for nothing"
        return said

    @property
    def if_now(self) -> str:
        """What handing in at this moment would cost, in words."""
        if self.policy is None:
            return ""
        if self.now is None:
            return "in time"
        if self.now.stopped:
            return "it would count for nothing any more"
        parts = [f"{_count(self.now.days, 'day')} late"]
        if self.now.tokens:
            parts.append(f"{_count(self.now.tokens, 'late day')} of yours used")
        parts.append(f"-{100 * self.now.rate:g} %" if self.now.rate else "nothing is taken off")
        return ", ".join(parts)


def deadline_of(history: History, rubric: Rubric, student: str) -> LatePolicy | None:
    """The dates that hold for one student: the rubric's, the course's in their place, and an extension."""
    return history.late_policy_for(rubric.assignment, student, rubric.late)


def deadline(
    history: History, rubric: Rubric, student: str, at: datetime, zone: tzinfo | None = None
) -> Deadline:
    """What handing in at a moment would cost a student, if all points were earned.

    Args:
        history: Says what late tokens are spent.
        rubric: Of the assignment.
        student: Whose.
        at: The moment.
        zone: In which the course tells times.
    """
    policy = deadline_of(history, rubric, student)
    if policy is None:
        return Deadline(None, None, zone)
    spent = history.tokens_spent_before(rubric.assignment, policy).get(student, 0) if policy.tokens else 0
    came = HandedIn(student, at=at, tokens_spent=spent, zone=zone)
    return Deadline(policy, late_line(policy, came, rubric.total, rubric.total), zone)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
