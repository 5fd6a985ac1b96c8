"""Filters of a weight, recognised whatever their order, sign and size.

Where a layer's filters are put into another order or scaled, and the next layer's inputs are turned back, a
network computes what it did before (with ReLU between; without it, signs can be turned as well). Each filter
still points where it did, and so does each of the next layer's inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from grader.collector.networks import shape_of

__all__ = ["Filters", "filters_of", "same_filters"]

#: Of a milestone are kept so many filters, and so many numbers of each.
_KEPT = 8
_NUMBERS = 48
_FEWEST_NUMBERS = 5
#: Filters that follow each other have at least this coefficient, noise of a fifth of their size included.
_FOLLOWS = 0.95
_SHARE = 2 / 3
#: Logarithm (base 10) of the chance that as much likeness comes about by itself.
_CHANCE = -14.0

_BASE = torch._C.TensorBase
_DETACH, _CPU, _TO_NUMPY, _DOUBLED, _RESHAPE = (
    _BASE.detach, _BASE.cpu, _BASE.numpy, _BASE.double, _BASE.reshape,
)  # fmt: skip
_NO_OVERRIDES = torch._C.DisableTorchFunctionSubclass


class Filters(NamedTuple):
    """Some of a weight's filters, and some of its inputs, as (kept, numbers); centred, each of length 1.

    None where there are too few numbers to tell one from another.
    """

    outputs: np.ndarray | None
    inputs: np.ndarray | None


def filters_of(tensors: Sequence[torch.Tensor], *, every: bool = False) -> tuple[Filters | None, ...]:
    """The filters of each weight of a network, in its order of layers; None for what has a single axis.

    Args:
        tensors: Parameters in the order of the layers, so that a fully connected layer's inputs can be told
            by the channels of the layer before it.
        every: All filters of each, rather than a few.
    """
    found: list[Filters | None] = []
    channels = 0
    for tensor in tensors:
        shape = shape_of(tensor)
        if len(shape) < 2 or 0 in shape:
            found.append(None)
            continue
        found.append(
            Filters(*(_directions(part, every=every) for part in _two_ways(tensor, shape, channels)))
        )
        channels = shape[0]
    return tuple(found)


def _two_ways(
    tensor: torch.Tensor, shape: tuple[int, ...], channels: int
) -> Iterator[tuple[torch.Tensor, int, int]]:
    """The weight as (outputs, a, b) with filters along its first axis, then with its inputs along `a`."""
    inputs = shape[1]
    if len(shape) == 2 and channels and inputs % channels == 0:
        inputs = channels
    with _NO_OVERRIDES():
        cube = _RESHAPE(_DETACH(tensor), (shape[0], inputs, -1))
    rest = math.prod(shape) // (shape[0] * inputs)
    yield cube, 0, inputs * rest
    yield cube, 1, shape[0] * rest


def _directions(part: tuple[torch.Tensor, int, int], *, every: bool) -> np.ndarray | None:
    """Vectors along one axis of a cube, evenly spread numbers of each, centred and of length 1."""
    cube, axis, length = part
    if length < _FEWEST_NUMBERS:
        return None
    count = shape_of(cube)[axis]
    kept = np.arange(count) if every else np.unique(np.linspace(0, count - 1, _KEPT).astype(int))
    picked = np.unique(np.linspace(0, length - 1, _NUMBERS).astype(int))
    depth = shape_of(cube)[2]
    with _NO_OVERRIDES(), torch.no_grad():
        other, last = torch.from_numpy(picked // depth), torch.from_numpy(picked % depth)
        chosen = torch.from_numpy(kept)[:, None]
        numbers = cube[chosen, other, last] if axis == 0 else cube[other, chosen, last]
        plain: np.ndarray = _TO_NUMPY(_CPU(_DOUBLED(numbers)))
    centred = plain - plain.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(centred, axis=1, keepdims=True)
    directions: np.ndarray = np.divide(centred, sizes, out=np.zeros_like(centred), where=sizes > 0)
    return directions.astype(np.float32)


def same_filters(kept: np.ndarray | None, every: np.ndarray | None) -> bool:
    """Whether the kept filters are found again among others, in whatever order, sign and size.

    Args:
        kept: Directions of (kept, numbers).
        every: All those of the other weight, with as many numbers each.
    """
    if kept is None or every is None or kept.shape[1] != every.shape[1]:
        return False
    there = kept[np.abs(kept).sum(axis=1) > 0].astype(np.float64)
    if not len(there) or not np.isfinite(every).all():
        return False
    best = np.abs(there @ every.astype(np.float64).T).max(axis=1)
    if (best >= _FOLLOWS).mean() < _SHARE:
        return False
    unlike = np.clip(1 - best**2, 1e-12, 1)
    chances = np.log10(len(every)) + (kept.shape[1] - 2) / 2 * np.log10(unlike)
    return bool(np.minimum(chances, 0).sum() <= _CHANCE)
