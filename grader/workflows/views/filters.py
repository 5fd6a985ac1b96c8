"""Filters of listings: a word that nothing is called by is refused, not answered by an empty list."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.errors import UsageError
from grader.evidence.record import Outcome
from grader.rubric.problems import nearest
from grader.store.results import Result

__all__ = ["criteria_of", "ended_so", "known_outcome", "require_criterion"]


def criteria_of(results: Iterable[Result]) -> set[str]:
    """Ids of all criteria that the results have marks for."""
    return {item.criterion for result in results if result.mark for item in result.mark.criteria}


def require_criterion(criterion: str | None, known: Iterable[str], assignment: str | None) -> None:
    """Refuses a criterion that an assignment (None: any of them) does not have; None is right.

    Raises:
        UsageError: It is not known; names the nearest one.
    """
    names = set(known)
    if criterion is not None and names and criterion not in names:
        whose = assignment or "no assignment here"
        has = "has no" if assignment else "has a"
        raise UsageError(f"{whose} {has} criterion '{criterion}'{nearest(criterion, names)}")


def known_outcome(word: str) -> Outcome:
    """The outcome of an attempt, in whatever case it was typed.

    Raises:
        UsageError: No attempt ends so.
    """
    right = [item.value for item in Outcome]
    if word.upper() not in right:
        raise UsageError(f"no attempt ends as '{word}'{nearest(word.upper(), right)}")
    return Outcome(word.upper())


def ended_so(outcome: str | None) -> Callable[[Result], bool]:
    """Whether a result's attempt ended with an outcome; true of all where none is asked for.

    Raises:
        UsageError: No attempt ends so.
    """
    if outcome is None:
        return lambda _: True
    wanted = known_outcome(outcome).value
    return lambda item: item.attempt is not None and item.attempt.outcome == wanted
