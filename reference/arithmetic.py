"""How many units a layer puts out and how many numbers it learns, with the sum written out.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = [
    "ParameterCount",
    "Size",
    "as_pair",
    "conv2d_output_shape",
    "conv2d_parameter_count",
    "conv2d_parameters",
    "linear_parameter_count",
    "linear_parameters",
    "mlp_parameter_count",
    "output_size",
    "output_units",
]

#: One length for both directions, or (height, width).
Size = int | tuple[int, int]


@dataclass(frozen=True)
class ParameterCount:
    """Learned numbers of one layer.

    Attributes:
        weights: How many weights.
        biases: How many biases; 0 where the layer has none.
        text: The sum as one would write it on a board, as ``3*3*3*5 + 5 = 140``.
    """

    weights: int
    biases: int
    text: str

    @property
    def total(self) -> int:
        return self.weights + self.biases


def as_pair(size: Size) -> tuple[int, int]:
    """(height, width) of a size that may be one number for both."""
    return (size, size) if isinstance(size, int) else size


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Length of the output of a convolution or pooling along one direction.

    Args:
        size: Length of the input.
        kernel: Length of the kernel.
        stride: Distance between neighbouring windows.
        padding: Zeros added at each end.
        dilation: Distance between neighbouring kernel elements.

    Returns:
        ``floor((size + 2*padding - dilation*(kernel - 1) - 1) / stride) + 1``.

    Raises:
        ValueError: A size that makes no sense, or a kernel that does not fit into the padded input.

    Source: Dumoulin & Visin, relationship 15, of which 1 to 7 are special cases.
    """
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        raise ValueError("size, kernel, stride and dilation are at least 1, padding at least 0")
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    if room < 0:
        raise ValueError(f"a kernel spanning {span} does not fit into {size + 2 * padding}")
    return room // stride + 1


def conv2d_output_shape(
    input_shape: tuple[int, int],
    kernel: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> tuple[int, int]:
    """(height, width) of the output of a convolution or pooling over (height, width)."""
    directions = zip(
        input_shape, as_pair(kernel), as_pair(stride), as_pair(padding), as_pair(dilation), strict=True
    )
    height, width = (output_size(*direction) for direction in directions)
    return height, width


def output_units(
    input_shape: tuple[int, int],
    kernel: Size,
    filters: int = 1,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> int:
    """Units that a convolution puts out: a 7x7 image under one 3x3 kernel gives 5*5 = 25."""
    return filters * math.prod(conv2d_output_shape(input_shape, kernel, stride, padding, dilation))


def conv2d_parameters(
    in_channels: int, out_channels: int, kernel: Size, *, bias: bool = True
) -> ParameterCount:
    """Parameters of a convolution: one weight for each kernel element, input and output channel."""
    height, width = as_pair(kernel)
    return _counted((height, width, in_channels, out_channels), out_channels if bias else 0)


def linear_parameters(in_features: int, out_features: int, *, bias: bool = True) -> ParameterCount:
    """Parameters of a fully connected layer: 784 into 50 units gives 784*50 + 50."""
    return _counted((in_features, out_features), out_features if bias else 0)


def _counted(factors: tuple[int, ...], biases: int) -> ParameterCount:
    weights = math.prod(factors)
    product = "*".join(str(factor) for factor in factors)
    text = f"{product} + {biases} = {weights + biases}" if biases else f"{product} = {weights}"
    return ParameterCount(weights, biases, text)


def conv2d_parameter_count(in_channels: int, out_channels: int, kernel: Size) -> int:
    """Weights and biases of a convolution: 5 kernels of 3x3 over 3 channels have 3*3*3*5 + 5 = 140."""
    return conv2d_parameters(in_channels, out_channels, kernel).total


def linear_parameter_count(in_features: int, out_features: int) -> int:
    """Weights and biases of a fully connected layer."""
    return linear_parameters(in_features, out_features).total


def mlp_parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of fully connected layers in a row, as ``[784, 50, 20, 10]``: 40480."""
    return sum(linear_parameter_count(before, after) for before, after in pairwise(sizes))
