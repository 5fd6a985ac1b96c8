"""What a remark request can ask for, be and become: words alone, so that commands offer them at no cost."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Action", "Effect", "Kind", "State"]


class Kind(StrEnum):
    JUDGEMENT = "judgement"
    COUNTING_ERROR = "counting_error"


class State(StrEnum):
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    ESCALATED = "escalated"
    FINAL = "final"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide."""
        return self in (State.SUBMITTED, State.UNDER_REVIEW, State.ESCALATED)


class Action(StrEnum):
    """What can be done with a request after it was opened."""

    REVIEW = "review"
    DECIDE = "decide"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"


class Effect(StrEnum):
    RAISED = "raised"
    LOWERED = "lowered"
    UNCHANGED = "unchanged"
