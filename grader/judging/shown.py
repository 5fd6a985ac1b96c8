"""Calls and networks that a student can try again: picked small, with what went in and what should come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import JsonValue

from grader.evidence.plan import FunctionProbe, Target
from grader.evidence.record import CallRecord, FunctionRecord, ModuleRecord
from grader.evidence.values import ArrayValue, Value
from grader.facts.case import Case
from grader.facts.values.compare import as_array, first_wrong, without_extra_axes
from grader.facts.values.plain import Unreadable, dtypes_in, plain, show
from grader.judging.calls import CallFinding, GroupFinding
from grader.judging.exhibits import Array, Given, NotShown, Shown, ShownCall

__all__ = ["network_code", "shown_calls"]

#: Calls of a criterion that are shown, one of each group.
_MOST_CALLS = 3
#: Numbers that one call may take, and an answer may have, so that the cell can be read; and of all together.
_MOST_NUMBERS = 400
_MOST_TOGETHER = 200
#: Of right answers: far more than any tolerance asks for.
_DIGITS = 8
_MOST_CHARACTERS = 4_000
_MISSED = ("wrong", "raised", "printed")
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def shown_calls(case: Case, probe: FunctionProbe, groups: Sequence[GroupFinding]) -> tuple[Shown, ...]:
    """The smallest call of each group that went wrong, as it was made.

    Args:
        case: Holds what went into the calls.
        probe: That made them.
        groups: All calls, judged, in the order in which they were made.
    """
    result = case.probe(probe)
    record = None if result is None else result.record
    if not isinstance(record, FunctionRecord) or not _NAME.fullmatch(record.name):
        return ()
    made = iter(record.calls)
    by_group = [(group.name, [(call, next(made)) for call in group.calls]) for group in groups]
    shown, missed = [], False
    for name, calls in by_group:
        wrong = [(found, call) for found, call in calls if found.state in _MISSED]
        missed = missed or bool(wrong)
        fitting = [each for found, call in wrong if (each := _shown(case, name, record.name, found, call))]
        shown += sorted(fitting, key=_size)[:1]
    if missed and not shown:
        return (NotShown(why="what the function was given does not fit into a short one"),)
    return tuple(_few(shown))


def _few(shown: Sequence[ShownCall]) -> Iterator[Shown]:
    """The first one, and as many more as leave the cell short."""
    total = 0
    for place, call in enumerate(shown[:_MOST_CALLS]):
        total += _size(call) + _numbers(call.expected)
        if place == 0 or total <= _MOST_TOGETHER:
            yield call


def network_code(record: ModuleRecord, target: Target) -> str | None:
    """Python that gives the network that was looked at; None where it has no name to be found by."""
    if record.found_by == "expression":
        return target.expression
    if not _NAME.fullmatch(record.name):
        return None
    return f"{record.name}()" if record.built else record.name


def _shown(case: Case, group: str, name: str, found: CallFinding, call: CallRecord) -> ShownCall | None:
    try:
        args = tuple(_given(value, case) for value in call.args)
        kwargs = {key: _given(value, case) for key, value in call.kwargs.items()}
        right = _expected(found)
    except (TypeError, ValueError):
        return None
    made = ShownCall(group=group, function=name, args=args, kwargs=kwargs, got=_got(found), **right)
    return made if _size(made) <= _MOST_NUMBERS else None


def _got(found: CallFinding) -> str:
    error = found.answer.error
    if error is not None:
        return f"{error.type}: {error.message[:160]}".rstrip(": ")
    return show(found.answer.got)


def _expected(found: CallFinding) -> dict[str, Any]:
    """The right answer: all of it where it is short, else the first number that is wrong."""
    if len(found.expected) != 1:
        return {"expected": [_bare(each) for each in found.expected], "any_of": True}
    right, tolerance = found.expected[0], found.answer.tolerance
    numbers = as_array(right)
    if numbers is None:
        return {"expected": _bare(right)}
    told: dict[str, Any] = {"allowed": 0.0 if numbers.dtype.kind in "biu" else tolerance.allowed(numbers)}
    if numbers.size <= _MOST_NUMBERS:
        short = _array(_rounded(numbers), "numpy") if isinstance(right, np.ndarray) else _bare(right)
        return {**told, "expected": short}
    got = as_array(found.answer.got)
    got = None if got is None else without_extra_axes(numbers, got)
    place = first_wrong(numbers, got, tolerance) if got is not None and got.shape == numbers.shape else None
    place = place or (0,) * numbers.ndim
    return {**told, "place": place, "there": float(numbers[place])}


def _rounded(numbers: np.ndarray) -> np.ndarray:
    if numbers.dtype.kind != "f":
        return numbers
    return np.array([float(f"{each:.{_DIGITS}g}") for each in numbers.ravel()]).reshape(numbers.shape)


def _given(value: Value, case: Case) -> Given:
    """What went into a call.

    Raises:
        ValueError: Evidence does not hold it, or a cell cannot.
    """
    held = plain(value, case.bundle)
    if isinstance(value, ArrayValue) and isinstance(held, np.ndarray):
        return _array(held, "torch" if value.type.startswith("torch") else "numpy")
    if isinstance(held, list | tuple | dict) and dtypes_in(value):
        raise ValueError("a list of arrays")
    bare: JsonValue = _bare(held)
    return bare


def _array(numbers: np.ndarray, library: Any) -> Array:
    if numbers.dtype.kind not in "biuf":
        raise ValueError("no numbers that can be written down")
    return Array(
        library=library, dtype=numbers.dtype.name, shape=numbers.shape, numbers=_digits(numbers).tolist()
    )


def _digits(numbers: np.ndarray) -> np.ndarray:
    """As many digits as the type holds, which read back give the same number."""
    if numbers.dtype.kind != "f" or numbers.dtype.itemsize >= 8:
        return numbers
    short = [float(str(number)) for number in numbers.ravel()]
    return np.asarray(short, dtype=np.float64).reshape(numbers.shape)


def _bare(value: Any) -> Any:
    """Plain data as it is.

    Raises:
        ValueError: It is none.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_bare(each) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _bare(each) for key, each in value.items()}
    kind = "something that was not kept" if isinstance(value, Unreadable) else type(value).__name__
    raise ValueError(f"{kind} cannot be written down")


def _size(call: ShownCall) -> int:
    return sum(map(_numbers, (*call.args, *call.kwargs.values())))


def _numbers(given: Given) -> int:
    """How much a reader of the cell has before them, in numbers."""
    if isinstance(given, Array):
        return int(np.prod(given.shape, dtype=int))
    return len(str(given)) * _MOST_NUMBERS // _MOST_CHARACTERS
