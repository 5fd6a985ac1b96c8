"""Who comes after whom on an assignment, so that a program walks a class while others hand in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from grader.store import History
from grader.store.class_views import Standing
from grader.workflows.views.identity import pseudonyms_in_order

__all__ = ["Walked", "walk"]

#: So many standings are looked at in one go where few of the first were wanted.
_AT_A_TIME = 200


@dataclass(frozen=True)
class Walked:
    """Some students of an assignment.

    Attributes:
        students: What to call each, and as the history calls them.
        after: Where to go on; empty at the end.
    """

    students: tuple[tuple[str, str], ...]
    after: str


def walk(
    history: History,
    assignment: str,
    after: str,
    size: int,
    *,
    anonymous: bool,
    wanted: Callable[[Standing], bool] = lambda standing: True,
    criteria: bool = False,
) -> Walked:
    """The next students, in the order of what they are called.

    Whoever hands in meanwhile has a place in that order and moves nobody else.

    Args:
        history: To read in.
        assignment: Which work.
        after: The last one that was given; empty for the first.
        size: How many; some more where several share a pseudonym.
        anonymous: Whether they go by pseudonyms.
        wanted: Whom to leave in.
        criteria: Whether `wanted` asks for them: of each student there are many.
    """
    found: list[tuple[str, str]] = []
    number = size + 1  # as a rule all are wanted, and one more tells that a page is full
    while True:
        chunk = _chunk(history, assignment, after, number, anonymous=anonymous, criteria=criteria)
        number = _AT_A_TIME
        for place, (shown, standing) in enumerate(chunk):
            if len(found) >= size and (not found or found[-1][0] != shown):
                return Walked(tuple(found), chunk[place - 1][0] if place else after)
            if wanted(standing):
                found.append((shown, standing.student))
        if not chunk:
            return Walked(tuple(found), "")
        after = chunk[-1][0]


def _chunk(
    history: History, assignment: str, after: str, number: int, *, anonymous: bool, criteria: bool
) -> list[tuple[str, Standing]]:
    if not anonymous:
        page = history.page(assignment, after=after, size=number, criteria=criteria)
        return [(standing.student, standing) for standing in page]
    order = pseudonyms_in_order(history, assignment)
    start = bisect_right(order, after, key=lambda each: each[0])
    some = order[start : start + number]
    while some and start + len(some) < len(order) and order[start + len(some)][0] == some[-1][0]:
        some.append(order[start + len(some)])
    found = history.standings(assignment, [name for _, name in some], criteria=criteria)
    standings = {each.student: each for each in found}
    return [(shown, standings[student]) for shown, student in some if student in standings]
