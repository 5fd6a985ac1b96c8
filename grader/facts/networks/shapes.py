"""What a network gave for an input of ours, and whose fault it is where it gave nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from grader.facts.raised import lacking_package

__all__ = ["error_of", "other_shapes", "shape_of"]

#: Errors that the numbers we send cause, and not their shape: another dtype or device than the weights'.
_OF_OUR_INPUT = re.compile(
    r"same dtype|dtype|scalar type|should be the same|same device|"
    r"expected (?:all )?tensors? .* on|Long|Half|Double|Float|BFloat16",
)
_MORE_INPUTS = re.compile(r"\bforward\(\) missing \d+ required positional argument")


def other_shapes(forward: ForwardRecord) -> list[tuple[int, ...]]:
    """The shapes of all tensors that came out but for the first."""
    tensors = [] if forward.output is None else list(_tensors(forward.output))
    return [tensor.shape for tensor in tensors[1:]]


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
    lacking = lacking_package(error)
    if lacking:
        return Unknown(lacking)
    if _MORE_INPUTS.search(error.message):
        return Unknown(f"it takes more than the one input that was sent ({error.message[:80]})")
    if _OF_OUR_INPUT.search(error.message):
        return Unknown(f"that is due to the numbers that were sent ({error.message[:80]})")
    return Known(error)


def _first_tensor(value: Value) -> ArrayValue | None:
    return next(_tensors(value), None)


def _tensors(value: Value) -> Iterator[ArrayValue]:
    match value:
        case ArrayValue():
            yield value
        case SequenceValue():
            for each in value.items:
                yield from _tensors(each)
        case MappingValue():
            for _, item in value.items:
                yield from _tensors(item)
