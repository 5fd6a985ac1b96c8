"""Pooling: each window of an image becomes one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .arithmetic import Size, as_pair
from .convolution import Array, pad, windows

__all__ = ["average_pool2d", "max_pool2d"]


def max_pool2d(images: ArrayLike, kernel: Size, stride: Size | None = None, padding: Size = 0) -> Array:
    """Keeps the largest number of each window.

    Args:
        images: (..., H, W); each leading index is pooled by itself.
        kernel: Size of the window, (height, width) or one number.
        stride: Distance between neighbouring windows; the window's size where it is None.
        padding: Cells around the image that never win; at most half the window.

    Returns:
        (..., H', W') float64, sizes as in `arithmetic.output_size`.

    Raises:
        ValueError: The padding is over half the window, so that a window could lie outside the image.

    Source: PyTorch, torch.nn.MaxPool2d.
    """
    seen = _windows(images, kernel, stride, padding, outside=-np.inf)
    largest: Array = seen.max(axis=(-2, -1))
    return largest


def average_pool2d(images: ArrayLike, kernel: Size, stride: Size | None = None, padding: Size = 0) -> Array:
    """Takes the mean of each window; zeros of the padding count, as they do in torch by default.

    Args:
        images: (..., H, W); each leading index is pooled by itself.
        kernel: Size of the window, (height, width) or one number.
        stride: Distance between neighbouring windows; the window's size where it is None.
        padding: Zeros around the image; at most half the window.

    Returns:
        (..., H', W') float64.

    Raises:
        ValueError: The padding is over half the window.

    Source: PyTorch, torch.nn.AvgPool2d with ``count_include_pad=True``.
    """
    seen = _windows(images, kernel, stride, padding, outside=0.0)
    means: Array = seen.mean(axis=(-2, -1))
    return means


def _windows(images: ArrayLike, kernel: Size, stride: Size | None, padding: Size, *, outside: float) -> Array:
    if any(2 * frame > side for frame, side in zip(as_pair(padding), as_pair(kernel), strict=True)):
        raise ValueError("padding is at most half the window")
    padded = pad(np.asarray(images, dtype=np.float64), padding, value=outside)
    return windows(padded, kernel, kernel if stride is None else stride)
