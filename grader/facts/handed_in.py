"""Whether anything was handed in at all: a file that nobody could read is not nothing."""

from __future__ import annotations

from grader.evidence.record import NOTHING_CAME, Outcome
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown

__all__ = ["no_file", "nothing_came"]

#: The second is how earlier versions put it; their evidence is judged again by these words.
_NOTHING = (NOTHING_CAME, "no notebook was handed in; found: nothing")


def nothing_came(outcome: str, detail: str) -> bool:
    """Whether an attempt that ended so had no file, which earns 0 without anybody's looking."""
    return outcome == Outcome.INVALID_SUBMISSION and detail in _NOTHING


def no_file(case: Case) -> Fact[bool]:
    """Whether no file came; what may be in one that could not be read is unknown."""
    evidence = case.evidence
    if evidence.outcome is not Outcome.INVALID_SUBMISSION:
        return Known(False)
    if nothing_came(evidence.outcome, evidence.outcome_detail):
        return Known(True)
    return Unknown(evidence.outcome_detail or "it is no notebook")
