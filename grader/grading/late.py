"""What handing in late costs: one line of the mark, by the rubric's policy and the time it came. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple

from grader.grading.points import in_cents
from grader.grading.times import in_words
from grader.rubric.model import LatePolicy

__all__ = [
    "Dates",
    "HandedIn",
    "LateLine",
    "days_late",
    "late_line",
    "policy_for",
    "tokens_spent",
    "with_dates",
]

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class HandedIn:
    """When a student's work came.

    Attributes:
        at: With a time zone; None where the submissions' format does not say.
        marked_late: The course system marked it as late.
        tokens_spent: Late tokens that the student used on assignments due earlier.
        zone: In which the course tells times; by the offset of its dates where it is None.
    """

    student: str
    at: datetime | None = None
    marked_late: bool = False
    tokens_spent: int = 0
    zone: tzinfo | None = None


class Dates(NamedTuple):
    """Dates of an assignment that the course set in place of the rubric's; None where the rubric's holds."""

    due: datetime | None = None
    until: datetime | None = None
    remarks_from: datetime | None = None
    remarks_until: datetime | None = None


def with_dates(policy: LatePolicy | None, dates: Dates | None) -> LatePolicy | None:
    """The rule of an assignment by the course's dates.

    Where the rubric knows no date and the course names one, who is late is told so and loses nothing: the
    rubric says what lateness costs.
    """
    if dates is None or not (dates.due or dates.until):
        return policy
    if policy is None:
        until = max(dates.until, dates.due) if dates.until and dates.due else None
        return LatePolicy(due=dates.due, until=until) if dates.due else None
    due = dates.due or policy.due
    until = dates.until or policy.until
    # A hard stop that the course did not move stays no earlier than the date that it moved.
    return policy.model_copy(update={"due": due, "until": max(until, due) if until else None})


def policy_for(policy: LatePolicy | None, student: str, extended: datetime | None) -> LatePolicy | None:
    """The rule for one student, who may have a date of their own.

    It never is to their disadvantage: days that the rubric settled for them give way, unless they are none.
    """
    if policy is None or extended is None:
        return policy
    until = max(policy.until, extended) if policy.until else None
    days = {each: number for each, number in policy.days.items() if each != student or not number}
    return policy.model_copy(update={"due": max(policy.due, extended), "until": until, "days": days})


@dataclass(frozen=True)
class LateLine:
    """The mark's line for lateness.

    Attributes:
        days: Days begun after the date.
        tokens: How many of them late tokens pay for.
        points: What is taken off, as a positive number.
        undecided: It is late, but nobody knows by how much: nothing is taken until a person says.
        why: One sentence for the student.
        rate: The part of the points that is taken, 0 to 1 and more.
        stopped: It came when nothing counts any more.
    """

    days: int
    tokens: int
    points: float
    why: str
    undecided: bool = False
    rate: float = 0.0
    stopped: bool = False


def late_line(policy: LatePolicy, handed_in: HandedIn, earned: float, out_of: float) -> LateLine | None:
    """Computes the line; None for work in time, and for work whose time nobody knows or doubts.

    Args:
        policy: The rubric's.
        handed_in: When, and with how many tokens spent.
        earned: Points of the criteria; never more than these are taken.
        out_of: Points that could be had.
    """
    days = days_late(policy, handed_in)
    if days is None:
        why = "The course system marks this as late without saying when it came; a TA settles it."
        return LateLine(0, 0, 0.0, why, undecided=True)
    if days == 0:
        return None
    if _stopped(policy, handed_in):
        assert policy.until is not None
        why = f"Handed in after {_shown(policy.until, handed_in.zone)}, when nothing counts any more."
        return LateLine(days, 0, earned, why, rate=1.0, stopped=True)
    tokens = min(days, _tokens_left(policy, handed_in))
    whole = out_of if policy.share_of == "out_of" else earned
    share = Decimal(str(policy.per_day)) * (days - tokens)
    taken = min(Decimal(str(earned)), Decimal(str(whole)) * share)
    points = float(in_cents(taken))
    why = _reason(policy, handed_in, days, tokens)
    return LateLine(days, tokens, min(points, earned), why, rate=float(share))


def days_late(policy: LatePolicy, handed_in: HandedIn) -> int | None:
    """Days of 24 hours begun after the date; None where it is marked late without a time."""
    settled = policy.days.get(handed_in.student)
    if settled is not None:
        return settled
    if handed_in.at is None:
        return None if handed_in.marked_late else 0
    behind = handed_in.at - policy.due
    if behind <= timedelta(minutes=policy.grace_minutes):
        return 0
    return math.ceil(behind / _DAY)


def tokens_spent(work: Iterable[tuple[LatePolicy, HandedIn]]) -> int:
    """Late tokens that one student used up, assignment after assignment in the order of their dates."""
    spent = 0
    for policy, handed_in in sorted(work, key=lambda item: item[0].due):
        if not _stopped(policy, handed_in):
            spent += min(days_late(policy, handed_in) or 0, max(0, policy.tokens - spent))
    return spent


def _tokens_left(policy: LatePolicy, handed_in: HandedIn) -> int:
    return max(0, policy.tokens - handed_in.tokens_spent)


def _stopped(policy: LatePolicy, handed_in: HandedIn) -> bool:
    if policy.until is None or handed_in.at is None or handed_in.student in policy.days:
        return False
    return handed_in.at > policy.until


def _reason(policy: LatePolicy, handed_in: HandedIn, days: int, tokens: int) -> str:
    zone = handed_in.zone
    moment = handed_in.at.astimezone(policy.due.tzinfo) if handed_in.at else None
    came = f"handed in {_shown(moment, zone)}, " if moment else ""
    settled = " (settled by the course)" if handed_in.student in policy.days else ""
    parts = [f"Due {_shown(policy.due, zone)}, {came}{_count(days, 'day')} late{settled}."]
    if tokens:
        parts.append(f"{_count(tokens, 'late token')} used.")
    if days > tokens and policy.per_day:
        basis = "of the points that could be had" if policy.share_of == "out_of" else "of the points earned"
        parts.append(f"{100 * policy.per_day:g} % {basis} for each day begun.")
    return " ".join(parts)


def _shown(moment: datetime, zone: tzinfo | None) -> str:
    """With seconds where there are any: a minute late may be seconds late."""
    if zone is not None:
        return in_words(moment, zone)
    return moment.isoformat(" ", "seconds" if moment.second or moment.microsecond else "minutes")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
