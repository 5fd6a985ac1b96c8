"""How long a file still waits: by what the last runs took, and by how many seats work at the queue.

The queue is played out from what is run at this moment, seat by seat: a seat that is done takes what comes
next in the same moment, and where several courses share the seats, of the next course that has something
waiting. What comes long before is taken for even.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from grader.errors import StoreError
from grader.store import Store
from grader.store.turns import Pace, Waiting

__all__ = ["Beside", "beside_of", "time_left", "usual_length"]


@dataclass(frozen=True)
class Beside:
    """Another course on the same seats.

    Attributes:
        pace: What is run of it.
        waiting: What waits to be marked; near are the first ones.
    """

    pace: Pace
    waiting: Waiting


def beside_of(stores: Sequence[Store]) -> list[Beside] | None:
    """What the other courses on the same seats have; None where one of them does not answer."""
    found = []
    try:
        for store in stores:
            with store.reading() as history:
                found.append(Beside(history.pace(), history.waiting(to_mark=True)))
    except StoreError:
        return None
    return found


def usual_length(pace: Pace, assignment: str) -> float | None:
    """Seconds that a run of an assignment takes, by the last ones; None where none was run."""
    return fmean(pace.lengths[assignment]) if pace.lengths.get(assignment) else None


def time_left(
    pace: Pace, now: datetime, ahead: Waiting, last: str | None = None, beside: Sequence[Beside] = ()
) -> timedelta | None:
    """How long it takes until a job is run, or all that wait.

    Args:
        pace: Of the course at this moment.
        now: The moment.
        ahead: What of the course comes before; near are the last ones.
        last: Assignment of the job; None where the last one of `ahead` is meant.
        beside: Other courses on the same seats, in the order in which these go on from this one.

    Returns:
        None where nobody works at the queue, nothing waits, or one of the assignments was never run, so that
        it cannot be told.
    """
    near = ahead.near if last is None else (*ahead.near, last)
    own = _Course(pace, near, ahead.far)
    others = [_Course(each.pace, each.waiting.near, each.waiting.far) for each in beside]
    courses = [own, *others]
    seats = [
        (course.remaining(name, since, now), place)
        for place, course in enumerate(courses)
        for name, since in course.pace.running
    ]
    if not near or not seats or not all(course.is_known() for course in courses):
        return None
    far = sum(ahead.far.values())
    if far:
        # Job by job in turn: of the others as many are run meanwhile.
        passed = [(own.mean(own.far), far), *(each for course in others for each in course.pass_over(far))]
        even = (sum(free for free, _ in seats) + sum(mean * number for mean, number in passed)) / len(seats)
        # Where the seats stand by then is by chance: some just began, some are about to be done.
        one = sum(mean * number for mean, number in passed) / sum(number for _, number in passed)
        seats = [
            (max(0.0, even + one * ((place + 0.5) / len(seats) - 0.5)), of)
            for place, (_, of) in enumerate(sorted(seats))
        ]
    return timedelta(seconds=_played(seats, [own.lengths(near), *(each.in_order() for each in others)]))


class _Course:
    """What waits of one course, with the lengths of its runs."""

    def __init__(self, pace: Pace, near: tuple[str, ...], far: Mapping[str, int]) -> None:
        self.pace = pace
        self.near = near
        self.far: Mapping[str, int] = far
        self._usual = {name: fmean(each) for name, each in pace.lengths.items() if each}

    def is_known(self) -> bool:
        """Whether each of its assignments was run before."""
        names = {*self.near, *self.far, *(name for name, _ in self.pace.running)}
        return names <= set(self._usual)

    def remaining(self, name: str, since: datetime | None, now: datetime) -> float:
        """Seconds that one that is run still takes: by those of the last that took longer than it by now."""
        lengths = self.pace.lengths.get(name, ())
        if not lengths:
            return 0.0
        if since is None:
            # Whoever looks at no moment in particular finds it half done.
            return fmean(lengths) / 2
        elapsed = (now - since).total_seconds()
        longer = [each for each in lengths if each > elapsed]
        return fmean(longer) - max(0.0, elapsed) if longer else 0.0

    def lengths(self, names: Sequence[str]) -> Iterator[float]:
        return (self._usual[name] for name in names)

    def mean(self, of: Mapping[str, int]) -> float:
        total = sum(of.values())
        return sum(self._usual[name] * number for name, number in of.items()) / total if total else 0.0

    def pass_over(self, number: int) -> list[tuple[float, int]]:
        """Lets so many of the first be done, or all; gives their mean lengths and how many they are."""
        passed, self.near = self.near[:number], self.near[number:]
        of_far = min(number - len(passed), sum(self.far.values()))
        found = [(self.mean(Counter(passed)), len(passed)), (self.mean(self.far), of_far)]
        left = sum(self.far.values()) - of_far
        self.far = {name: left * each // (left + of_far) for name, each in self.far.items()} if left else {}
        return [each for each in found if each[1]]

    def in_order(self) -> Iterator[float]:
        """The lengths of all that waits."""
        yield from self.lengths(self.near)
        mean = self.mean(self.far)
        for _ in range(sum(self.far.values())):
            yield mean


def _played(seats: list[tuple[float, int]], courses: list[Iterator[float]]) -> float:
    """Seconds until the last job of the first course is done."""
    heapq.heapify(seats)
    following = [next(course, None) for course in courses]
    ended = 0.0
    while following[0] is not None:
        free, was = seats[0]
        of = next(
            place
            for step in range(1, len(courses) + 1)
            if following[place := (was + step) % len(courses)] is not None
        )
        length = following[of]
        assert length is not None
        following[of] = next(courses[of], None)
        if of == 0:
            ended = free + length
        heapq.heapreplace(seats, (free + length, of))
    return ended
