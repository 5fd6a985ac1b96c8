"""Remark requests: their states, what may follow what, and what a course's policy forbids. Pure.

    submitted -> under_review -> resolved | rejected | withdrawn,  submitted -> withdrawn,
    resolved -> escalated -> final

An escalated request is decided once more, or rejected: then what was decided stands. Both are final.

A judgement request opens its criterion both ways. A counting error concerns no criterion: the points are
added up again, and that is all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, tzinfo

from grader.errors import RefusedError
from grader.grading.late import Dates
from grader.grading.points import FINENESS, is_in_cents
from grader.grading.requests import Action, Effect, State
from grader.grading.times import date_in_words, in_words
from grader.rubric.model import Policy

__all__ = [
    "check_decider",
    "check_points",
    "check_range",
    "check_window",
    "effect_of",
    "is_late",
    "next_state",
    "remark_rules",
    "state_after",
]


_STEPS: dict[tuple[State, Action], State] = {
    (State.SUBMITTED, Action.REVIEW): State.UNDER_REVIEW,
    (State.SUBMITTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.UNDER_REVIEW, Action.DECIDE): State.RESOLVED,
    (State.UNDER_REVIEW, Action.REJECT): State.REJECTED,
    (State.UNDER_REVIEW, Action.WITHDRAW): State.WITHDRAWN,
    (State.RESOLVED, Action.ESCALATE): State.ESCALATED,
    (State.ESCALATED, Action.DECIDE): State.FINAL,
    (State.ESCALATED, Action.REJECT): State.FINAL,
}


def next_state(state: State, action: Action) -> State:
    """The state that an action leads to.

    Raises:
        RefusedError: The action is not possible in this state; says which are.
    """
    following = _STEPS.get((state, action))
    if following is None:
        possible = [str(step) for was, step in _STEPS if was is state]
        raise RefusedError(
            f"this request is {_in_words(state)}, so it cannot be {_PAST[action]}",
            expected=f"possible now: {', '.join(possible)}" if possible else "nothing: it is closed",
        )
    return following


_PAST = {
    Action.REVIEW: "taken under review",
    Action.DECIDE: "decided",
    Action.REJECT: "rejected",
    Action.WITHDRAW: "withdrawn",
    Action.ESCALATE: "escalated",
}


def _in_words(state: State) -> str:
    return state.value.replace("_", " ")


def state_after(actions: Iterable[Action]) -> State:
    """The state of a request after all actions of its history, oldest first."""
    state = State.SUBMITTED
    for action in actions:
        state = next_state(state, action)
    return state


def effect_of(before: float, after: float) -> Effect:
    """Raised, lowered or unchanged: it follows from the points."""
    if after == before:
        return Effect.UNCHANGED
    return Effect.RAISED if after > before else Effect.LOWERED


def remark_rules(policy: Policy, dates: Dates | None) -> Policy:
    """The rules for remark requests by the dates that the course set in place of the rubric's."""
    if dates is None or not (dates.remarks_from or dates.remarks_until):
        return policy
    opens = dates.remarks_from or policy.remarks_open_from
    closes = dates.remarks_until or policy.remarks_open_until
    return policy.model_copy(update={"remarks_open_from": opens, "remarks_open_until": closes})


def is_late(policy: Policy, time: datetime) -> bool:
    """Whether the course takes no requests any more; never where no date is set."""
    return policy.remarks_open_until is not None and time > policy.remarks_open_until


def check_window(policy: Policy, now: datetime, late_because: str, *, zone: tzinfo | None = None) -> None:
    """Refuses requests outside the time that the course set, unless a TA accepts one late with a reason.

    Args:
        policy: The course's.
        now: When the request is opened.
        late_because: The reason; empty for none.
        zone: In which the course tells times.

    Raises:
        RefusedError: It is too early, or too late without a reason.
    """
    opens, closes = policy.remarks_open_from, policy.remarks_open_until
    if opens is not None and now < opens:
        raise RefusedError("remark requests are not open yet", expected=f"from {date_in_words(opens, zone)}")
    if closes is not None and is_late(policy, now) and not late_because.strip():
        raise RefusedError(
            f"remark requests were due by {date_in_words(closes, zone)}",
            found=f"it is {in_words(now, zone)}",
            todo="a TA can accept it late: --late-because REASON",
        )


def check_points(policy: Policy, points: float, *, before: float, out_of: float) -> None:
    """Refuses points that a decision cannot give.

    Raises:
        RefusedError: Below zero or above what the criterion is worth, no number, of too many decimals, or
            lower than before where marks may not fall.
    """
    lowest = 0.0 if policy.marks_may_fall else before
    falls = not policy.marks_may_fall and 0 <= points < before
    check_range(
        points,
        lowest=lowest,
        out_of=out_of,
        refusal="these points cannot be given" + ("; marks may not fall in this course" if falls else ""),
    )


def check_range(points: float, *, lowest: float, out_of: float, refusal: str) -> None:
    """Refuses points that no person may give.

    Args:
        points: To give.
        lowest: The least.
        out_of: The most.
        refusal: What the error says first.

    Raises:
        RefusedError: Out of range, no number, or of more decimals than any mark list shows.
    """
    if not lowest <= points <= out_of:
        raise RefusedError(refusal, expected=f"{lowest:g} to {out_of:g}", found=f"{points:g}")
    if points != lowest and not is_in_cents(points):
        raise RefusedError(refusal, expected=FINENESS, found=repr(points))


def check_decider(policy: Policy, decider: str, marked_by: Collection[str]) -> None:
    """Keeps whoever marked from deciding on their own mark, where the course says so.

    Args:
        policy: The course's.
        decider: Who wants to decide.
        marked_by: All who ever decided on the mark in question; the grader's own verdict is nobody's.

    Raises:
        RefusedError: It is one of them.
    """
    if policy.decided_by_another and decider in marked_by:
        raise RefusedError(
            f"{decider} made this mark, and this course has somebody else decide on it",
            todo="let another TA decide, or say who you are with --as",
        )
