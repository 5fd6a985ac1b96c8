"""Python values as plain data: what a variable held, what a function returned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.base import Record

__all__ = [
    "ArrayValue",
    "BoolValue",
    "FloatValue",
    "IntValue",
    "MappingValue",
    "ModuleValue",
    "NoneValue",
    "OtherValue",
    "SequenceValue",
    "StrValue",
    "Value",
]


class NoneValue(Record):
    kind: Literal["none"] = "none"


class BoolValue(Record):
    """A Python bool, or a NumPy or zero-dimensional torch bool (see `type`)."""

    kind: Literal["bool"] = "bool"
    value: bool
    type: str = "bool"


class IntValue(Record):
    """An integer of at most 64 bits; longer ones come as `OtherValue`. `type` may be ``numpy.int64``."""

    kind: Literal["int"] = "int"
    value: int
    type: str = "int"


class FloatValue(Record):
    kind: Literal["float"] = "float"
    value: float
    type: str = "float"


class StrValue(Record):
    """Text, lone surrogates replaced; `length` is the true one where the text was cut."""

    kind: Literal["str"] = "str"
    value: str
    length: int


class SequenceValue(Record):
    """A list, tuple, set, range or torch.Size; `items` may be fewer than `length`."""

    kind: Literal["sequence"] = "sequence"
    type: str
    items: tuple[Value, ...]
    length: int


class MappingValue(Record):
    kind: Literal["mapping"] = "mapping"
    type: str
    items: tuple[tuple[Value, Value], ...]
    length: int


class ArrayValue(Record):
    """A torch tensor or NumPy array.

    Attributes:
        type: ``torch.Tensor``, ``torch.nn.parameter.Parameter``, ``numpy.ndarray``, or a subclass.
        dtype: As its library calls it, without the ``torch.`` prefix.
        array: Position among the attempt's arrays; None where it was too large to keep.
    """

    kind: Literal["array"] = "array"
    type: str
    dtype: str
    shape: tuple[int, ...]
    device: str = "cpu"
    requires_grad: bool = False
    array: int | None = None


class ModuleValue(Record):
    """A network or layer, by class only; what is in it is for a module probe."""

    kind: Literal["module"] = "module"
    class_name: str


class OtherValue(Record):
    """Anything else, by type; `text` is a capped repr made without calling the student's `__repr__`."""

    kind: Literal["other"] = "other"
    type: str
    text: str = ""


Value = Annotated[
    NoneValue
    | BoolValue
    | IntValue
    | FloatValue
    | StrValue
    | SequenceValue
    | MappingValue
    | ArrayValue
    | ModuleValue
    | OtherValue,
    Field(discriminator="kind"),
]

SequenceValue.model_rebuild()
MappingValue.model_rebuild()
