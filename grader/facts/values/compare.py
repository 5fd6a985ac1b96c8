"""Equality between an expected and a recorded answer: by value, within what the dtype can hold.

Every comparison is written so that NaN loses: a number counts as equal only where
``abs(got - expected) <= allowed`` is true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grader.facts.values.plain import show, unreadable_in

__all__ = [
    "Mismatch",
    "Tolerance",
    "as_array",
    "first_wrong",
    "mismatch",
    "tolerance_for",
    "without_extra_axes",
]

_RELATIVE = {"float16": 2e-2, "bfloat16": 5e-2, "float32": 2e-4, "float64": 1e-7}
#: Convolutions on a GPU may run in TF32, which keeps 10 bits of each factor.
_RELATIVE_ON_GPU = 5e-3


@dataclass(frozen=True)
class Tolerance:
    """How far a float may lie from the expected one: ``relative * max(1, largest expected magnitude)``.

    The scale is that of the whole answer, since sums that cancel lose digits in proportion to it.
    """

    relative: float

    def allowed(self, expected: np.ndarray) -> float:
        largest = np.abs(expected).max(initial=0.0)
        if not np.isfinite(largest):
            largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        return float(self.relative * max(1.0, largest))


def tolerance_for(dtypes: Iterable[str]) -> Tolerance:
    """The tolerance of the coarsest dtype that took part; plain Python floats count as float64."""
    names = set(dtypes)
    levels = [_RELATIVE[name] for name in names if name in _RELATIVE]
    if "cuda" in names and names & {"float16", "bfloat16", "float32"}:
        levels.append(_RELATIVE_ON_GPU)
    return Tolerance(max(levels, default=_RELATIVE["float64"]))


@dataclass(frozen=True)
class Mismatch:
    """Why an answer differs from the expected one.

    Attributes:
        kind: ``unreadable``: nothing can be said, as evidence does not hold the value.
        text: Expected and found, as the end of a sentence.
        index: Position of the first wrong number, for arrays and lists.
    """

    kind: Literal["type", "shape", "value", "unreadable"]
    text: str
    index: tuple[int, ...] | None = None


def mismatch(expected: Any, got: Any, tolerance: Tolerance) -> Mismatch | None:
    """Compares two plain objects by value; numeric types, and lists, tuples and arrays, mix freely.

    Returns:
        None where they are equal. A bool is never taken for a number where a number is due; 1 and 0 are
        taken for True and False.
    """
    unknown = unreadable_in(got)
    if unknown is not None:
        return Mismatch("unreadable", unknown.why)
    if isinstance(expected, str) or expected is None:
        return None if type(got) is type(expected) and got == expected else _value(expected, got)
    if isinstance(expected, bool | np.bool_):
        return _truth(bool(expected), got)
    if isinstance(expected, dict):
        return _mapping(expected, got, tolerance)
    if isinstance(expected, list | tuple) and as_array(expected) is None:
        return _items(expected, got, tolerance)
    return _numbers(expected, got, tolerance)


def _value(expected: Any, got: Any) -> Mismatch:
    kind: Literal["type", "value"] = "value" if type(got) is type(expected) else "type"
    return Mismatch(kind, f"expected {show(expected)}, got {show(got)}")


def _truth(expected: bool, got: Any) -> Mismatch | None:
    scalar = got.item() if isinstance(got, np.ndarray) and got.ndim == 0 else got
    if isinstance(scalar, bool | int | float) and scalar == expected:
        return None
    kind: Literal["type", "value"] = "value" if isinstance(scalar, bool) else "type"
    return Mismatch(kind, f"expected {expected}, got {show(got)}")


def _mapping(expected: dict[Any, Any], got: Any, tolerance: Tolerance) -> Mismatch | None:
    if not isinstance(got, dict) or got.keys() != expected.keys():
        return _value(expected, got)
    wrong = (mismatch(item, got[key], tolerance) for key, item in expected.items())
    return next((found for found in wrong if found), None)


def _items(expected: list[Any] | tuple[Any, ...], got: Any, tolerance: Tolerance) -> Mismatch | None:
    if not isinstance(got, list | tuple):
        return _value(expected, got)
    if len(got) != len(expected):
        return Mismatch("shape", f"expected {len(expected)} items, got {len(got)}")
    for position, (one, other) in enumerate(zip(expected, got, strict=True)):
        found = mismatch(one, other, tolerance)
        if found:
            return Mismatch(found.kind, f"item {position}: {found.text}", (position, *(found.index or ())))
    return None


def as_array(value: Any) -> np.ndarray | None:
    """Gives numbers, nested lists of numbers and arrays as an ndarray; None for anything else."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "biufc" else None
    if not _all_numbers(value):
        return None
    try:
        return np.asarray(value)
    except (ValueError, OverflowError):  # ragged lists, integers past 64 bits
        return None


def without_extra_axes(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Gives an answer the expected shape where it merely has more or fewer axes of length 1."""
    sides = [[side for side in array.shape if side != 1] for array in (expected, got)]
    return got.reshape(expected.shape) if sides[0] == sides[1] else got


def _all_numbers(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_all_numbers(item) for item in value)
    return isinstance(value, bool | int | float | np.generic | np.ndarray)


def _has_bool(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_bool(item) for item in value)
    return isinstance(value, bool | np.bool_) or (isinstance(value, np.ndarray) and value.dtype.kind == "b")


def _numbers(expected: Any, got: Any, tolerance: Tolerance) -> Mismatch | None:
    wanted, found = as_array(expected), as_array(got)
    if wanted is None or found is None or (_has_bool(got) and not _has_bool(expected)):
        return Mismatch("type", f"expected {show(expected)}, got {show(got)}")
    if wanted.shape != found.shape:
        return Mismatch("shape", _shape_text(expected, got, wanted, found))
    index = first_wrong(wanted, found, tolerance)
    if index is None:
        return None
    if wanted.ndim == 0 or wanted.size <= 8:
        return Mismatch("value", f"expected {show(expected)}, got {show(got)}", index)
    place = ", ".join(str(position) for position in index)
    return Mismatch(
        "value", f"at [{place}] expected {show(wanted[index].item())}, got {show(found[index].item())}", index
    )


def _shape_text(expected: Any, got: Any, wanted: np.ndarray, found: np.ndarray) -> str:
    if max(wanted.size, found.size) <= 8:
        return f"expected {show(expected)}, got {show(got)}"
    return f"expected shape {list(wanted.shape)}, got {list(found.shape)}"


def first_wrong(expected: np.ndarray, got: np.ndarray, tolerance: Tolerance) -> tuple[int, ...] | None:
    """Position of the first number outside the tolerance, in row-major order; None where all are right.

    Args:
        expected: Numbers; a NaN among them is matched by nothing.
        got: Numbers of equal shape.
        tolerance: For floats; two integer arrays are compared exactly.
    """
    if expected.dtype.kind in "biu" and got.dtype.kind in "biu":
        right = expected == got
    else:
        wide = np.complex128 if "c" in expected.dtype.kind + got.dtype.kind else np.float64
        wanted, found = expected.astype(wide, copy=False), got.astype(wide, copy=False)
        with np.errstate(invalid="ignore", over="ignore"):
            right = np.abs(found - wanted) <= tolerance.allowed(wanted)
        if not right.all():
            right = right | (np.isinf(wanted) & (found == wanted))
    if right.all():
        return None
    return tuple(int(position) for position in np.unravel_index(np.argmin(right), right.shape))
