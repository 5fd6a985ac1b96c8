"""What usual mistakes give, so that a check can name them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .convolution import Array, zero_padding

__all__ = ["padding_after", "padding_of_columns", "padding_of_rows"]


def padding_of_columns(images: ArrayLike, padding: int) -> Array:
    """Zeros on the left and right only, as ``F.pad(image, (padding, padding))`` adds them."""
    return zero_padding(images, (0, padding))


def padding_of_rows(images: ArrayLike, padding: int) -> Array:
    """Zeros above and below only."""
    return zero_padding(images, (padding, 0))


def padding_after(images: ArrayLike, padding: int) -> Array:
    """Zeros below and on the right only."""
    array = np.asarray(images, dtype=np.float64)
    frame = [(0, 0)] * (array.ndim - 2) + [(0, padding)] * 2
    return np.pad(array, frame)
