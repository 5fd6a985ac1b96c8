"""Values of parameters in a few numbers each, so that weights can be recognised without keeping them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from grader.collector.networks import shape_of
from grader.collector.recorder.filters import Filters, filters_of

__all__ = ["Fingerprint", "Snapshot", "fingerprint", "mark", "sampled", "take"]

#: Relative difference below which two float64 sums over float32 values are the same sum: summation order
#: (memory layout, device) moves the last digits only, a single training step moves far more.
_TOLERANCE = 1e-11

#: Elements kept of each tensor, to recognise weights that were changed a little.
_SAMPLED = 64

_BASE = torch._C.TensorBase
_DETACH = _BASE.detach
_SUM = _BASE.sum
_ABS = _BASE.abs
_ITEM = _BASE.item
_RESHAPE = _BASE.reshape
_DOUBLED = _BASE.double
_TO_LIST = _BASE.tolist
_MIN_MAX = torch.aminmax
_NO_GRAD = torch.no_grad
_NO_OVERRIDES = torch._C.DisableTorchFunctionSubclass
_DOUBLE = torch.float64


class Fingerprint(NamedTuple):
    """Shape, sum and absolute sum in float64; `constant` where all elements are equal.

    Attributes:
        sample: Some of the elements, evenly spread over the tensor.
    """

    shape: tuple[int, ...]
    total: float
    absolute: float
    constant: bool
    sample: tuple[float, ...] = ()

    @property
    def middle(self) -> float:
        """The mean of all elements."""
        return self.total / max(1, math.prod(self.shape))

    def equals(self, other: Fingerprint) -> bool:
        """Whether both describe the same values; NaN equals nothing."""
        slack = _TOLERANCE * max(self.absolute, other.absolute)
        return (
            self.shape == other.shape
            and abs(self.absolute - other.absolute) <= slack
            and abs(self.total - other.total) <= slack
        )


def fingerprint(tensor: torch.Tensor) -> Fingerprint:
    """Reads a tensor without touching its gradient, its version or any random generator."""
    with _NO_OVERRIDES(), _NO_GRAD():
        values = _DETACH(tensor)
        shape = shape_of(tensor)
        if 0 in shape:
            return Fingerprint(shape, 0.0, 0.0, True)
        total = float(_ITEM(_SUM(values, dtype=_DOUBLE)))
        absolute = float(_ITEM(_SUM(_ABS(values), dtype=_DOUBLE)))
        constant = _is_constant(values, total, absolute)
        return Fingerprint(shape, total, absolute, constant, () if constant else _sample(values))


def sampled(tensor: torch.Tensor) -> tuple[float, ...]:
    """The elements that a fingerprint keeps, also where all are equal."""
    with _NO_OVERRIDES(), _NO_GRAD():
        return () if 0 in shape_of(tensor) else _sample(_DETACH(tensor))


def _sample(values: torch.Tensor) -> tuple[float, ...]:
    flat = _RESHAPE(values, -1)
    step = max(1, math.prod(shape_of(values)) // _SAMPLED)
    return tuple(_TO_LIST(_DOUBLED(flat[::step][:_SAMPLED])))


def _is_constant(values: torch.Tensor, total: float, absolute: float) -> bool:
    """True for fresh biases of 0 and scales of 1, which tell nothing about where weights came from."""
    if math.prod(shape_of(values)) == 1:
        return absolute in (0.0, 1.0)
    if abs(abs(total) - absolute) > _TOLERANCE * absolute:
        return False
    low, high = _MIN_MAX(values)
    return bool(low == high)


@dataclass(frozen=True)
class Snapshot:
    """Fingerprints of a run's trainable parameters at one moment, in the optimizer's order.

    Attributes:
        filters: Some directions of each weight; empty where they are not kept.
    """

    prints: tuple[Fingerprint, ...]
    filters: tuple[Filters | None, ...] = ()

    def without_filters(self) -> Snapshot:
        return Snapshot(self.prints)

    def equals(self, other: Snapshot) -> bool:
        """True where every parameter has the same values in both."""
        return len(self.prints) == len(other.prints) and all(
            mine.equals(theirs) for mine, theirs in zip(self.prints, other.prints, strict=True)
        )


def mark(tensors: Iterable[torch.Tensor]) -> tuple[tuple[int, float], ...]:
    """Write counter and first element of each tensor: a cheap sign that something wrote to it."""
    with _NO_OVERRIDES(), _NO_GRAD():
        return tuple((tensor._version, _first(_DETACH(tensor))) for tensor in tensors)


def _first(values: torch.Tensor) -> float:
    shape = shape_of(values)
    return 0.0 if 0 in shape else float(_ITEM(values[(0,) * len(shape)]))


def take(tensors: Iterable[torch.Tensor]) -> Snapshot:
    read = list(tensors)
    return Snapshot(tuple(fingerprint(tensor) for tensor in read), filters_of(read))
