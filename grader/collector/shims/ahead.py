"""Pictures that a notebook reads in order, many transformed at once: one by one each costs overhead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torchvision.transforms as transforms

__all__ = ["Ahead"]

_AT_ONCE = 64
_COLOURS = 3
#: What the methods are before any of the notebook's code: where it puts others there, these are not guessed.
_TO_TENSOR = transforms.ToTensor.__call__
_NORMALIZE = transforms.Normalize.forward


class Ahead:
    """Gives the pictures that come next, each as the transform would give it by itself, to the last bit.

    Only for a transform to tensors and their normalisation, which treat each number by itself. A data set
    that is read here and there is left alone.
    """

    def __init__(self) -> None:
        self._next: tuple[int, int] | None = None

    def pictures(
        self, data: Any, index: int, transform: Any, has_room_for: Callable[[int], bool]
    ) -> Iterator[tuple[Any, torch.Tensor]]:
        """Raw pictures with the tensors that they become; none where the one before `index` was not read.

        Args:
            data: All raw pictures of a data set.
            index: Of the first one.
            transform: The data set's own.
            has_room_for: Whether so many bytes may be kept.
        """
        asked = (id(data), index)
        in_order, self._next = asked == self._next, (id(data), index + 1)
        steps = _after_to_tensor(transform) if in_order else None
        if steps is None:
            return
        raw = data[index : index + _AT_ONCE]
        pictures = _channels_first(raw)
        if pictures is None or not has_room_for(pictures.numel() * torch.get_default_dtype().itemsize):
            return
        try:
            decoded = pictures.contiguous().to(torch.get_default_dtype()).div(255)
            for step in steps:
                decoded = _NORMALIZE(step, decoded)
        except Exception:  # what a transform raises, it raises for the picture that is asked for
            return
        self._next = (id(data), index + len(raw))
        yield from zip(raw, decoded, strict=True)


def _after_to_tensor(transform: Any) -> list[Any] | None:
    """The steps behind ``ToTensor``, which all normalise; None where there are others."""
    steps = list(transform.transforms) if type(transform) is transforms.Compose else [transform]
    if not steps or type(steps[0]) is not transforms.ToTensor:
        return None
    replaced = (
        transforms.ToTensor.__call__ is not _TO_TENSOR or transforms.Normalize.forward is not _NORMALIZE
    )
    normalise = all(type(step) is transforms.Normalize for step in steps[1:])
    return steps[1:] if normalise and not replaced else None


def _channels_first(raw: Any) -> torch.Tensor | None:
    """Pictures (N, H, W, 3) of CIFAR-10, or (N, H, W) of MNIST, as (N, C, H, W)."""
    if type(raw) is np.ndarray and raw.dtype == np.uint8 and raw.ndim == _COLOURS + 1:
        return torch.from_numpy(raw).permute(0, 3, 1, 2) if raw.shape[-1] == _COLOURS else None
    if type(raw) is torch.Tensor and raw.dtype is torch.uint8 and raw.ndim == _COLOURS:
        return raw.unsqueeze(1)
    return None
