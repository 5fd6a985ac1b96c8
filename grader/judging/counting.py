"""Counting questions: a variable that holds a whole number, and the arithmetic behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.facts.case import Case
from grader.facts.known import Unknown
from grader.facts.values.compare import as_array
from grader.facts.values.plain import jsonable, show
from grader.facts.values.variables import Absent, variable
from grader.facts.words.arithmetic import worked_out
from grader.facts.words.numbers import numbers_in
from grader.judging.nothing import missing_variable
from grader.judging.shares import PartFinding

__all__ = ["Counted", "Wrong", "judge_count"]


@dataclass(frozen=True)
class Wrong:
    """A wrong count that a usual mistake gives."""

    value: int
    text: str


@dataclass(frozen=True)
class Counted:
    """One counting question.

    Attributes:
        names: Variables that may hold the answer.
        arithmetic: How the right number comes about.
        shapes: Shapes that answer the question as well as their product does.
        wrong: Usual mistakes, most telling first.
    """

    names: tuple[str, ...]
    expected: int
    arithmetic: str
    shapes: tuple[tuple[int, ...], ...] = ()
    wrong: tuple[Wrong, ...] = ()
    weight: float = 1.0


def judge_count(case: Case, question: Counted) -> PartFinding:
    """Judges one answer; a number or a product written as text counts by its value."""
    held = variable(case, question.names, beside=case.watched)
    name = question.names[0]
    if isinstance(held, Absent):
        return missing_variable(name, held, weight=question.weight)
    value, text = held.known, f"`{held.name}` is {show(held.value)}"
    if isinstance(value, Unknown):
        why = f"It is not known: {value.why}."
        return PartFinding.waits(name, f"{text}.", open=why, weight=question.weight, where=(held.where,))
    more: dict[str, Any] = {
        "weight": question.weight,
        "where": (held.where,),
        "found": jsonable(held.value),
        "expected": question.expected,
        "note": question.arithmetic,
    }
    numbers = _numbers(held.value)
    if _is_right(numbers, question):
        text = f"`{held.name}` is right: {question.arithmetic}."
        return PartFinding.right(name, text, on=value, **more)
    if not numbers and isinstance(held.value, str) and numbers_in(held.value):
        text = f"`{held.name}` is the text {show(held.value)}; expected {question.expected}."
        return PartFinding.waits(name, text, open="The text has numbers in it.", **more)
    mistake = next((f" ({wrong.text})" for wrong in question.wrong if _is(numbers, wrong, question)), "")
    text = f"{text}{mistake}; expected {question.expected}: {question.arithmetic}."
    return PartFinding.wrong(name, text, on=value, **more)


def _numbers(value: Any) -> tuple[float, ...]:
    """One number, or the numbers of a shape; nothing for anything else."""
    if isinstance(value, str):
        value = worked_out(value)
    array = as_array(value)
    if array is None or array.ndim > 1 or array.dtype.kind not in "iuf":
        return ()
    return tuple(float(number) for number in np.atleast_1d(array))


def _is_right(numbers: tuple[float, ...], question: Counted) -> bool:
    if len(numbers) == 1:
        return numbers[0] == question.expected
    # Channels may come first or last; which side is which, the question does not ask.
    return any(sorted(numbers) == sorted(map(float, shape)) for shape in question.shapes)


def _is(numbers: tuple[float, ...], wrong: Wrong, question: Counted) -> bool:
    return numbers == (float(wrong.value),) and wrong.value != question.expected
