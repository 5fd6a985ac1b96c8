"""Numbers of an answer that may stand for several things that it was to count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from grader.facts.words.answers import Answer
from grader.facts.words.numbers import alike, states

__all__ = ["Shared", "one_for_several"]


@dataclass(frozen=True)
class Shared:
    """A number that stands there less often than it was asked for.

    Attributes:
        names: What it may count.
        beside: Another number of the answer, which may be the second's.
    """

    value: float
    names: tuple[str, ...]
    beside: float


def one_for_several(
    answer: Answer, numbers: Mapping[str, float], right: Collection[float], tolerance: float
) -> Shared | None:
    """The first number that stands for two names although another is there; None where none does.

    Args:
        answer: What was handed in.
        numbers: Those asked for, by name.
        right: All that are right.
        tolerance: The largest error allowed.
    """
    strange = [number for number in answer.stated if not states(right, number, tolerance)]
    for value in dict.fromkeys(numbers.values()):
        names = tuple(name for name, number in numbers.items() if number == value)
        found = sum(states([reading], value, tolerance) for reading in answer.readings)
        near = [number for number in strange if alike(number, value)]
        if found < len(names) and near and len(names) > 1:
            return Shared(value, names, near[0])
    return None
