"""Recorded values as plain Python and NumPy objects, and as short text for messages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.evidence.codec import Bundle
from grader.evidence.values import (
    ArrayValue,
    BoolValue,
    FloatValue,
    IntValue,
    MappingValue,
    ModuleValue,
    NoneValue,
    OtherValue,
    SequenceValue,
    StrValue,
    Value,
)

__all__ = ["Unreadable", "dtypes_in", "jsonable", "plain", "show", "unreadable_in"]

_SHOWN_ITEMS = 9
_SHOWN_TEXT = 120
_DIGITS = 6
#: Types of which no value is an answer in numbers; functions and modules have their name as text.
_HOLDS_NOTHING = frozenset({
    "NotImplementedType", "builtin_function_or_method", "ellipsis", "function", "method", "module", "object",
    "slice", "type",
})  # fmt: skip
_ARRAY_DIGITS = 4


@dataclass(frozen=True)
class Unreadable:
    """A value of which evidence knows no content: too large to keep, or of a type that is not plain.

    Attributes:
        kept: False where nothing can be said about the value: it was too large or too deep to keep, or of a
            type that may hold anything, as a pandas Series does. True where its type alone shows that it
            holds no numbers.
        why: Why nothing can be said, as a clause.
    """

    what: str
    kept: bool = True
    why: str = ""


def unreadable_in(value: Any) -> Unreadable | None:
    """The first part of a plain object of which nothing can be said."""
    if isinstance(value, Unreadable):
        return None if value.kept else value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for each in inner if (found := unreadable_in(each)) is not None), None)


def _too_large(what: str) -> Unreadable:
    return Unreadable(what, kept=False, why=f"{what} was too large to be kept")


def _opaque(value: OtherValue) -> Unreadable:
    what = f"{value.type} {value.text}".strip()[:_SHOWN_TEXT]
    # A class of the notebook's own is no number, whatever it makes of comparisons with one.
    if value.type in _HOLDS_NOTHING or value.text or value.type.startswith("__main__."):
        return Unreadable(what)
    return Unreadable(what, kept=False, why=f"what a {value.type} holds was not recorded")


def plain(value: Value, bundle: Bundle) -> Any:
    """Gives the object that `value` describes: None, bool, int, float, str, list, tuple, dict or ndarray.

    Sets become lists, as the record keeps no order for them.

    Returns:
        `Unreadable` (also inside lists) for everything else.
    """
    match value:
        case NoneValue():
            return None
        case BoolValue() | IntValue() | FloatValue():
            return value.value
        case StrValue():
            return value.value if value.length <= len(value.value) else _too_large("a very long text")
        case SequenceValue():
            return _sequence(value, bundle)
        case MappingValue():
            return _mapping(value, bundle)
        case ArrayValue():
            return _array(value, bundle)
        case ModuleValue():
            return Unreadable(f"a module of class {value.class_name}")
        case OtherValue():
            return _opaque(value)


def _sequence(value: SequenceValue, bundle: Bundle) -> Any:
    if len(value.items) < value.length:
        return _too_large(f"a {value.type} of {value.length} items")
    items = [plain(item, bundle) for item in value.items]
    return tuple(items) if value.type in ("tuple", "torch.Size") else items


def _mapping(value: MappingValue, bundle: Bundle) -> Any:
    if len(value.items) < value.length:
        return _too_large(f"a {value.type} of {value.length} items")
    pairs = [(plain(key, bundle), plain(item, bundle)) for key, item in value.items]
    if not all(isinstance(key, str | int | float | bool | None) for key, _ in pairs):
        return Unreadable(f"a {value.type} with keys that are no plain values")
    return dict(pairs)


def _array(value: ArrayValue, bundle: Bundle) -> Any:
    array = bundle.array(value)
    if array is None:
        return _too_large(f"a {value.type} of shape {list(value.shape)}")
    return array


def dtypes_in(value: Value) -> frozenset[str]:
    """Names of all array dtypes within a value; ``cuda`` is added where an array lay on a GPU."""
    match value:
        case ArrayValue():
            device = {"cuda"} if value.device.startswith("cuda") else set()
            return frozenset({value.dtype} | device)
        case FloatValue():
            library, _, name = value.type.rpartition(".")
            # A zero-dimensional tensor is recorded as a number; its dtype is most likely torch's default.
            return frozenset({"float32" if library.startswith("torch") else name}) if library else frozenset()
        case SequenceValue():
            return frozenset().union(*(dtypes_in(item) for item in value.items))
        case _:
            return frozenset()


def show(value: Any) -> str:
    """Writes a plain object on one short line, as a student would type it."""
    if isinstance(value, Unreadable):
        return value.what
    if isinstance(value, np.ndarray):
        if value.ndim == 0 or value.size <= _SHOWN_ITEMS:
            return _cut(_rounded(jsonable(value, digits=_ARRAY_DIGITS)))
        return f"an array of shape {list(value.shape)}"
    return _cut(_rounded(value))


def _rounded(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return repr(round(value, _DIGITS)) if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(show(item) for item in value)
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    return repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else text[: _SHOWN_TEXT - 1] + "…"


def jsonable(value: Any, *, digits: int = _DIGITS) -> Any:
    """Gives a copy that JSON can hold: arrays as lists, floats rounded, NaN and infinity as words."""
    if isinstance(value, Unreadable):
        return value.what
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist(), digits=digits)
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, list | tuple):
        return [jsonable(item, digits=digits) for item in value]
    if isinstance(value, dict):
        return {str(key): jsonable(item, digits=digits) for key, item in value.items()}
    return value
