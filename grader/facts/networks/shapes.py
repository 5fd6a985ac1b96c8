"""What a network gave for an input of ours, and whose fault it is where it gave nothing."""

from __future__ import annotations

import re

from grader.evidence.record import ForwardRecord, RaisedError
from grader.evidence.values import (
    ArrayValue,
    BoolValue,
    FloatValue,
    IntValue,
    MappingValue,
    NoneValue,
    SequenceValue,
    StrValue,
    Value,
)
from grader.facts.known import Fact, Known, Unknown

__all__ = ["error_of", "shape_of"]

#: Errors that the numbers we send cause, and not their shape: another dtype or device than the weights'.
_OF_OUR_INPUT = re.compile(
    r"same dtype|dtype|scalar type|should be the same|same device|"
    r"expected (?:all )?tensors? .* on|Long|Half|Double|Float|BFloat16",
)


def shape_of(forward: ForwardRecord) -> Fact[tuple[int, ...] | None]:
    """The shape that came out; of several tensors the first one's; None for a number, a text or nothing."""
    error = error_of(forward)
    if isinstance(error, Known):
        return Unknown(f"it raised {error.value.type}")
    if forward.error is not None:
        return error if isinstance(error, Unknown) else Unknown("it raised")
    if forward.output is None:
        return Unknown("what came out was not recorded")
    tensor = _first_tensor(forward.output)
    if tensor is not None:
        return Known(tensor.shape)
    plain = isinstance(forward.output, NoneValue | BoolValue | IntValue | FloatValue | StrValue)
    return Known(None) if plain else Unknown("what came out could not be looked into")


def error_of(forward: ForwardRecord) -> Fact[RaisedError]:
    """The error that a network raised for reasons of its own."""
    error = forward.error
    if error is None:
        return Unknown("it raised nothing")
    if _OF_OUR_INPUT.search(error.message):
        return Unknown(f"that is due to the numbers that were sent ({error.message[:80]})")
    return Known(error)


def _first_tensor(value: Value) -> ArrayValue | None:
    match value:
        case ArrayValue():
            return value
        case SequenceValue():
            inner = list(value.items)
        case MappingValue():
            inner = [item for _, item in value.items]
        case _:
            return None
    return next((found for each in inner if (found := _first_tensor(each)) is not None), None)
