"""Python values as evidence, and hidden inputs as Python values.

Nothing of the student's is called: no ``__repr__``, ``__eq__``, ``__len__`` or ``__iter__`` of their classes.
Types are told by their real ancestry, content is read through the built-in types' own methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from grader.collector.networks import class_name, shape_of
from grader.evidence.arrays import DTYPES, Arrays
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

__all__ = ["Encoder", "decode", "encode"]

_MAX_DEPTH = 8
_MAX_ITEMS = 2000
_MAX_NODES = 20_000
_MAX_TEXT = 20_000
_INT64 = range(-(2**63), 2**63)

_MRO = vars(type)["__mro__"].__get__
_MODULE_NAME = vars(type)["__module__"].__get__
_QUALNAME = vars(type)["__qualname__"].__get__
_BASE = torch._C.TensorBase
_DETACH, _CPU, _TO_NUMPY, _ITEM, _TO = _BASE.detach, _BASE.cpu, _BASE.numpy, _BASE.item, _BASE.to
_RESOLVE = (_BASE.resolve_conj, _BASE.resolve_neg)
_DTYPE = vars(_BASE)["dtype"].__get__
_DEVICE = vars(_BASE)["device"].__get__
_GRAD = vars(_BASE)["requires_grad"].__get__
_NO_OVERRIDES = torch._C.DisableTorchFunctionSubclass
_GENERIC_ITEM = np.generic.item
_FROM_NUMPY = torch.from_numpy
_SEQUENCES = (list, tuple, set, frozenset, range)
_SCALARS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def encode(value: Any, arrays: Arrays) -> Value:
    """Describes a value; numbers of tensors and arrays go to `arrays` while they fit."""
    return Encoder(arrays).encode(value)


class Encoder:
    """Encodes one value under caps on depth, items for each container, and parts in all."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._left = _MAX_NODES

    def encode(self, value: Any, depth: int = 0) -> Value:
        self._left -= 1
        kind = type(value)
        if value is None:
            return NoneValue()
        if kind is bool:
            return BoolValue(value=value)
        ancestry = _MRO(kind)
        for base, encoder in _BY_BASE:
            if base in ancestry:
                return encoder(self, value, depth)
        return _other(value)

    def integer(self, value: Any, depth: int) -> Value:
        plain = int.__index__(value)
        if plain not in _INT64:
            return OtherValue(type=_type_name(value), text=f"an integer of {plain.bit_length()} bits")
        return IntValue(value=plain, type=_type_name(value))

    def floating(self, value: Any, depth: int) -> Value:
        return FloatValue(value=float.__float__(value), type=_type_name(value))

    def text(self, value: Any, depth: int) -> Value:
        length = str.__len__(value)
        kept = str.__getitem__(value, slice(0, _MAX_TEXT))
        return StrValue(value=kept.encode("utf-8", "replace").decode(), length=length)

    def numpy_scalar(self, value: Any, depth: int) -> Value:
        plain = _GENERIC_ITEM(value)
        if type(plain) is bool:
            return BoolValue(value=plain, type=_type_name(value))
        if type(plain) is int and plain in _INT64:
            return IntValue(value=plain, type=_type_name(value))
        if type(plain) is float:
            return FloatValue(value=plain, type=_type_name(value))
        if type(plain) is str:
            return self.text(plain, depth)
        return _other(value)

    def sequence(self, value: Any, depth: int) -> Value:
        base = next(base for base in _SEQUENCES if base in _MRO(type(value)))
        items = self._items(base.__iter__(value), depth)
        return SequenceValue(type=_type_name(value), items=items, length=base.__len__(value))

    def mapping(self, value: Any, depth: int) -> Value:
        pairs = list(islice(dict.items(value), self._room(depth)))
        items = tuple((self.encode(key, depth + 1), self.encode(held, depth + 1)) for key, held in pairs)
        return MappingValue(type=_type_name(value), items=items, length=dict.__len__(value))

    def _items(self, items: Iterable[Any], depth: int) -> tuple[Value, ...]:
        encoded = []
        for item in islice(items, self._room(depth)):
            encoded.append(self.encode(item, depth + 1))
            if self._left <= 0:
                break
        return tuple(encoded)

    def _room(self, depth: int) -> int:
        return 0 if depth >= _MAX_DEPTH else max(0, min(_MAX_ITEMS, self._left))

    def module(self, value: Any, depth: int) -> Value:
        return ModuleValue(class_name=class_name(value))

    def ndarray(self, value: Any, depth: int) -> Value:
        plain = np.asarray(value) if type(value) is np.ndarray else np.ndarray.view(value, np.ndarray)
        kept = plain if plain.dtype.name in DTYPES else None
        return ArrayValue(
            type=_type_name(value),
            dtype=plain.dtype.name[:80],
            shape=plain.shape,
            array=None if kept is None else self._arrays.add(kept),
        )

    def tensor(self, value: Any, depth: int) -> Value:
        with _NO_OVERRIDES():
            dtype, shape = _DTYPE(value), shape_of(value)
            if shape == () and dtype in (*_SCALARS, *_FLOATS):
                return _scalar(value, dtype)
            return ArrayValue(
                type=_type_name(value),
                dtype=str(dtype).removeprefix("torch."),
                shape=shape,
                device=str(_DEVICE(value)),
                requires_grad=bool(_GRAD(value)),
                array=self._keep(value, dtype),
            )

    def _keep(self, tensor: torch.Tensor, dtype: torch.dtype) -> int | None:
        """The numbers' place among the arrays; None for layouts and types that NumPy does not know."""
        try:
            plain = _CPU(_DETACH(tensor))
            if dtype is torch.bfloat16:
                plain = _TO(plain, torch.float32)
            for resolve in _RESOLVE:
                plain = resolve(plain)
            return self._arrays.add(_TO_NUMPY(plain))
        except (RuntimeError, TypeError):
            return None


def _scalar(value: torch.Tensor, dtype: torch.dtype) -> Value:
    plain = _ITEM(_DETACH(value))
    name = _type_name(value)
    if dtype is torch.bool:
        return BoolValue(value=plain, type=name)
    if dtype in _SCALARS:
        return IntValue(value=plain, type=name)
    return FloatValue(value=plain, type=name)


def _type_name(value: Any) -> str:
    """Module and name of a type, the module left out for built-in ones and ``torch.Tensor`` written so."""
    kind = type(value)
    module, name = _MODULE_NAME(kind), _QUALNAME(kind)
    if not isinstance(module, str) or module == "builtins":
        return str(name)[:200]
    return f"{module}.{name}"[:200]


def _other(value: Any) -> Value:
    """What is known without asking the value: its type, and its name where it is a function or class."""
    if type(value) in _NAMED:
        return OtherValue(type=_type_name(value), text=str(value.__name__)[:200])
    return OtherValue(type=_type_name(value))


_NAMED = (type(_other), type(len), type(np))
_BY_BASE = (
    (torch.Tensor, Encoder.tensor),
    (np.ndarray, Encoder.ndarray),
    (np.generic, Encoder.numpy_scalar),
    (int, Encoder.integer),
    (float, Encoder.floating),
    (str, Encoder.text),
    *((base, Encoder.sequence) for base in _SEQUENCES),
    (dict, Encoder.mapping),
    (torch.nn.Module, Encoder.module),
)


def decode(value: Value, arrays: Sequence[np.ndarray]) -> Any:
    """Builds a fresh Python value from a hidden input; nothing is shared with earlier calls.

    Raises:
        ValueError: The value holds something that cannot be built here.
    """
    if isinstance(value, NoneValue):
        return None
    if isinstance(value, BoolValue | IntValue | FloatValue):
        return _typed_scalar(value)
    if isinstance(value, StrValue):
        return value.value
    if isinstance(value, SequenceValue):
        items = [decode(item, arrays) for item in value.items]
        return {"tuple": tuple, "set": set, "frozenset": frozenset}.get(value.type, list)(items)
    if isinstance(value, MappingValue):
        return {decode(key, arrays): decode(held, arrays) for key, held in value.items}
    if isinstance(value, ArrayValue) and value.array is not None and 0 <= value.array < len(arrays):
        copy = np.array(arrays[value.array]).reshape(value.shape)
        return copy if value.type.startswith("numpy.") else _FROM_NUMPY(copy)
    raise ValueError(f"a hidden input of kind {value.kind} cannot be built")


def _typed_scalar(value: BoolValue | IntValue | FloatValue) -> Any:
    if value.type.startswith("torch."):
        return torch.tensor(value.value)
    if value.type.startswith("numpy."):
        return getattr(np, value.type.removeprefix("numpy."))(value.value)
    return value.value
