"""Convolution as a neural network means it: a kernel slid over an image, window by window.

The field calls cross-correlation "convolution". `flipped_conv2d` is the mathematician's convolution, which
turns the kernel by 180 degrees first: confusing the two is a usual mistake, so a check can recognise it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arithmetic import Size, as_pair, conv2d_output_shape

__all__ = ["Array", "conv2d", "flipped_conv2d", "windows", "zero_padding"]

Array = NDArray[np.float64]
Stack = np.ndarray[tuple[int, int, int, int], np.dtype[np.float64]]


def zero_padding(images: ArrayLike, padding: Size) -> Array:
    """Frames the last two axes with zeros.

    Args:
        images: (..., H, W).
        padding: Rows above and below, columns left and right; one number for both, or (rows, columns).

    Returns:
        (..., H + 2*rows, W + 2*columns) float64.
    """
    return pad(np.asarray(images, dtype=np.float64), padding, value=0.0)


def pad(images: Array, padding: Size, *, value: float) -> Array:
    rows, columns = as_pair(padding)
    frame = [(0, 0)] * (images.ndim - 2) + [(rows, rows), (columns, columns)]
    return np.pad(images, frame, constant_values=value)


def windows(images: Array, kernel: Size, stride: Size = 1, dilation: Size = 1) -> Array:
    """Every window that a kernel sees, in its place.

    Args:
        images: (..., H, W), padded already.
        kernel: Size of a window, (height, width) or one number.
        stride: Distance between neighbouring windows.
        dilation: Distance between neighbouring elements within a window.

    Returns:
        (..., H', W', kernel height, kernel width), a read-only view.
    """
    kernel_height, kernel_width = as_pair(kernel)
    step_down, step_right = as_pair(stride)
    gap_down, gap_right = as_pair(dilation)
    span = (gap_down * (kernel_height - 1) + 1, gap_right * (kernel_width - 1) + 1)
    seen: Any = np.lib.stride_tricks.sliding_window_view(images, span, axis=(-2, -1))
    view: Array = seen[..., ::step_down, ::step_right, ::gap_down, ::gap_right]
    return view


def conv2d(
    images: ArrayLike,
    kernels: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Array:
    """Slides each kernel over the images; each output is the sum of window times kernel, plus bias.

    Args:
        images: (H, W), (C, H, W) or (N, C, H, W).
        kernels: (kh, kw) for an image without channels, (C, kh, kw) for one kernel over C channels, or
            (F, C, kh, kw) for F kernels.
        bias: (F,), or a number for a single kernel.
        stride: Distance between neighbouring windows, (down, right) or one number.
        padding: Zeros around the image, (rows, columns) or one number.
        dilation: Distance between neighbouring kernel elements, (down, right) or one number.

    Returns:
        float64 (H', W'), with F in front where `kernels` has four axes, and N before that where `images`
        has four.

    Raises:
        ValueError: The channels of images and kernels differ, or a kernel does not fit.

    Source: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", equation 9.6; Dumoulin & Visin, ch. 2.
    """
    image_stack, kernel_stack = _with_all_axes(images, kernels)
    size = kernel_stack.shape[2:]
    conv2d_output_shape(image_stack.shape[2:], size, stride, padding, dilation)
    seen = windows(zero_padding(image_stack, padding), size, stride, dilation)
    output: Array = np.einsum("nchwij,fcij->nfhw", seen, kernel_stack, optimize=True)
    if bias is not None:
        output = output + np.asarray(bias, dtype=np.float64).reshape(-1, 1, 1)
    return _without_added_axes(output, images, kernels)


def flipped_conv2d(
    images: ArrayLike, kernels: ArrayLike, bias: ArrayLike | None = None, **how: Size
) -> Array:
    """Convolution in the mathematical sense: as `conv2d`, with every kernel turned by 180 degrees.

    Source: Goodfellow, Bengio, Courville, "Deep Learning", equation 9.5.
    """
    return conv2d(images, np.flip(np.asarray(kernels), axis=(-2, -1)), bias, **how)


def _with_all_axes(images: ArrayLike, kernels: ArrayLike) -> tuple[Stack, Stack]:
    image_stack, kernel_stack = _with_four_axes(images), _with_four_axes(kernels)
    if image_stack.shape[1] != kernel_stack.shape[1]:
        raise ValueError(f"images have {image_stack.shape[1]} channels, kernels {kernel_stack.shape[1]}")
    return image_stack, kernel_stack


def _with_four_axes(values: ArrayLike) -> Stack:
    array = np.asarray(values, dtype=np.float64)
    if not 2 <= array.ndim <= 4:
        raise ValueError(f"images and kernels have two to four axes, not {array.ndim}")
    first, second, rows, columns = (1,) * (4 - array.ndim) + array.shape
    return array.reshape(first, second, rows, columns)


def _without_added_axes(output: Array, images: ArrayLike, kernels: ArrayLike) -> Array:
    if np.ndim(kernels) < 4:
        output = output[:, 0]
    return output if np.ndim(images) == 4 else output[0]
