"""Attempts that did not come to the same when they were run once more, for the instructor to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.judging.judgement import Status
from grader.store import Store
from grader.store.second_runs import Differing
from grader.workflows.views.known import require_assignment
from grader.workflows.views.show import name_of

__all__ = ["Other", "Steadiness", "Unsteady", "say_one_in", "steadiness"]


@dataclass(frozen=True)
class Other:
    """One criterion that came to something else.

    Attributes:
        first, second: Status and points, in words.
        said: What was found the second time.
    """

    criterion: str
    title: str
    first: str
    second: str
    said: str


@dataclass(frozen=True)
class Unsteady:
    """An attempt whose second run differs in what a criterion stands on.

    Attributes:
        shown: What to call the student.
        number: Of the attempt.
        host: Where it ran first.
        seeds: Of both runs.
    """

    shown: str
    assignment: str
    number: int
    host: str
    seeds: tuple[int, int]
    made: datetime
    differing: tuple[Other, ...]


@dataclass(frozen=True)
class Steadiness:
    """What second runs came to.

    Attributes:
        one_in: Of so many attempts one is run twice; 0 for none.
        steady, waiting, failed: How many came to the same, wait, and could not be run.
    """

    one_in: int
    steady: int
    waiting: int
    failed: int
    unsteady: tuple[Unsteady, ...]

    @property
    def compared(self) -> int:
        return self.steady + len(self.unsteady)


def steadiness(store: Store, assignment: str | None = None, *, anonymous: bool = False) -> Steadiness:
    """What second runs of an assignment came to, or of all. Changes nothing, least of all a mark.

    Args:
        store: Where they are.
        assignment: Which; None for all.
        anonymous: Whether students go by pseudonyms.

    Raises:
        UsageError: No assignment is called so.
    """
    name = name_of(store, anonymous)
    with store.reading() as history:
        if assignment is not None:
            require_assignment(history, assignment)
        found = history.second_runs(assignment)
        number = history.one_in(assignment or "")
    lines = tuple(
        Unsteady(
            shown=name(each.student),
            assignment=each.assignment,
            number=each.number,
            host=each.host,
            seeds=each.seeds,
            made=each.made,
            differing=tuple(map(_other, each.differing)),
        )
        for each in found.unsteady
    )
    numbers = found.numbers
    return Steadiness(
        number, numbers.get("steady", 0), numbers.get("waiting", 0), numbers.get("failed", 0), lines
    )


def say_one_in(store: Store, assignment: str, number: int) -> None:
    """Says of how many attempts one is run twice, for an assignment or, with no name, for the course.

    Raises:
        UsageError: The number is negative.
        StoreError: The database failed.
    """
    with store.writing() as history:
        history.set_one_in(assignment, number)


def _other(each: Differing) -> Other:
    return Other(each.criterion, each.title, _words(each.first), _words(each.second), each.said)


def _words(came_to: tuple[str, float, float]) -> str:
    status, points, pending = came_to
    waits = f", {pending:g} wait for a TA" if pending else ""
    return f"{Status(status).value} {points:g}{waits}"
