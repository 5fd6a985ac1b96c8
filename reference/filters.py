"""Kernels that people designed by hand before networks learned theirs: edges and blobs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .convolution import Array, conv2d

__all__ = ["blob", "horizontal_edges", "sobel_horizontal", "sobel_vertical", "vertical_edges"]


def sobel_vertical() -> Array:
    """The 3x3 kernel that answers to vertical edges: positive where it gets brighter to the right.

    Source: I. Sobel, G. Feldman, "An Isotropic 3x3 Image Gradient Operator", 1968 (as cross-correlation).
    """
    return np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def sobel_horizontal() -> Array:
    """The 3x3 kernel that answers to horizontal edges: positive where it gets brighter downwards."""
    return sobel_vertical().T


def vertical_edges(image: ArrayLike) -> Array:
    """Answers of the vertical Sobel kernel; (H, W) gives (H - 2, W - 2)."""
    return conv2d(image, sobel_vertical())


def horizontal_edges(image: ArrayLike) -> Array:
    """Answers of the horizontal Sobel kernel; (H, W) gives (H - 2, W - 2)."""
    return conv2d(image, sobel_horizontal())


def blob(size: int = 5, sigma: float = 1.0) -> Array:
    """A kernel that answers to bright spots: the Laplacian of a Gaussian, its sign turned.

    Its elements sum to zero, so that an even surface gives 0, and their absolute values to 1.

    Args:
        size: Rows and columns, odd.
        sigma: Radius in pixels; spots of radius ``sigma * sqrt(2)`` answer most.

    Raises:
        ValueError: `size` is even or below 3, or `sigma` is not positive.

    Source: T. Lindeberg, "Feature Detection with Automatic Scale Selection", IJCV 30(2), 1998.
    """
    if size < 3 or size % 2 == 0 or sigma <= 0:
        raise ValueError("a blob kernel has an odd size of at least 3 and a positive radius")
    offsets = np.arange(size) - size // 2
    squared = (offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2.0 * sigma**2)
    kernel = (1.0 - squared) * np.exp(-squared)
    kernel -= kernel.mean()
    scaled: Array = kernel / np.abs(kernel).sum()
    return scaled
