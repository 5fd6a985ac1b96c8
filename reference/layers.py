"""Layers of a network as descriptions: what shape goes in and out, what is learned, what is computed.

A layer takes one image or vector without the batch axis in its shapes, and with it in `forward`.
Names and defaults are those of torch.nn.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .arithmetic import (
    ParameterCount,
    Size,
    as_pair,
    conv2d_output_shape,
    conv2d_parameters,
    linear_parameters,
)
from .convolution import Array, conv2d
from .pooling import average_pool2d, max_pool2d

__all__ = [
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Residual",
    "Shape",
    "Sigmoid",
    "Squeeze",
    "Tanh",
]

Shape = tuple[int, ...]


class Layer(ABC):
    """One step of a network."""

    @property
    def type(self) -> str:
        return type(self).__name__

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape that it gives for an input of `shape`, both without the batch axis.

        Raises:
            ValueError: It does not take this shape.
        """

    def passed(self, shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
        """The layers that it is made of, each with the shapes that it takes and gives for this input."""
        yield self, shape, self.output_shape(shape)

    @abstractmethod
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        """What it computes for a batch after training, given arrays of its `tensor_shapes`."""

    @property
    def parameters(self) -> ParameterCount | None:
        """Learned numbers, None where nothing is learned."""
        return None

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        """Shapes of weight and bias as torch keeps them."""
        return ()

    @property
    def buffer_shapes(self) -> tuple[Shape, ...]:
        """Shapes of what is kept beside them and not learned by steps, in torch's order."""
        return ()

    @property
    def tensor_shapes(self) -> tuple[Shape, ...]:
        """Shapes of all that `forward` takes as `weights`."""
        return (*self.parameter_shapes, *self.buffer_shapes)

    @property
    def parts(self) -> tuple[Layer, ...]:
        """The layers that it is made of, itself where it is one."""
        return (self,)


class Elementwise(Layer):
    """A step that leaves the shape as it is."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Conv2d(Layer):
    in_channels: int
    out_channels: int
    kernel_size: Size
    stride: Size = 1
    padding: Size = 0
    dilation: Size = 1
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        _expect(self, shape, len(shape) == 3 and shape[0] == self.in_channels)
        height, width = shape[1:]
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return (self.out_channels, *conv2d_output_shape((height, width), *window))

    @property
    def parameters(self) -> ParameterCount:
        return conv2d_parameters(self.in_channels, self.out_channels, self.kernel_size, bias=self.bias)

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        weight = (self.out_channels, self.in_channels, *as_pair(self.kernel_size))
        return (weight, (self.out_channels,)) if self.bias else (weight,)

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        bias = weights[1] if self.bias else None
        window = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return conv2d(x, weights[0], bias, **window)


@dataclass(frozen=True)
class Linear(Layer):
    in_features: int
    out_features: int
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        _expect(self, shape, bool(shape) and shape[-1] == self.in_features)
        return (*shape[:-1], self.out_features)

    @property
    def parameters(self) -> ParameterCount:
        return linear_parameters(self.in_features, self.out_features, bias=self.bias)

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        weight = (self.out_features, self.in_features)
        return (weight, (self.out_features,)) if self.bias else (weight,)

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        output: Array = x @ weights[0].T
        return output + weights[1] if self.bias else output


@dataclass(frozen=True)
class BatchNorm2d(Elementwise):
    """Normalises each channel by what was seen in training, as a trained network is applied.

    Source: S. Ioffe, C. Szegedy, "Batch Normalization", arXiv 1502.03167, algorithm 2.
    """

    num_features: int
    eps: float = 1e-5

    @property
    def parameters(self) -> ParameterCount:
        count = self.num_features
        return ParameterCount(count, count, f"{count} + {count} = {2 * count}")

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        return ((self.num_features,), (self.num_features,))

    @property
    def buffer_shapes(self) -> tuple[Shape, ...]:
        return self.parameter_shapes

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        scale, shift, mean, variance = (array.reshape(1, -1, 1, 1) for array in weights)
        output: Array = (x - mean) / np.sqrt(variance + self.eps) * scale + shift
        return output


@dataclass(frozen=True)
class Residual(Layer):
    """Layers whose input is added to what they give, itself or as a shortcut makes it fit.

    Source: K. He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385, equation 2.

    Attributes:
        layers: One after another.
        shortcut: Layers on the other way; none adds the input as it is.
    """

    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    @property
    def parts(self) -> tuple[Layer, ...]:
        return tuple(part for layer in (*self.layers, *self.shortcut) for part in layer.parts)

    @property
    def parameters(self) -> ParameterCount | None:
        counts = [part.parameters for part in self.parts if part.parameters is not None]
        if not counts:
            return None
        weights, biases = sum(each.weights for each in counts), sum(each.biases for each in counts)
        added = " + ".join(str(each.total) for each in counts)
        return ParameterCount(weights, biases, f"{added} = {weights + biases}")

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        return tuple(shape for part in self.parts for shape in part.parameter_shapes)

    @property
    def tensor_shapes(self) -> tuple[Shape, ...]:
        return tuple(shape for part in self.parts for shape in part.tensor_shapes)

    def output_shape(self, shape: Shape) -> Shape:
        ways = [shape, shape]
        for way, layers in enumerate((self.layers, self.shortcut)):
            for layer in layers:
                ways[way] = layer.output_shape(ways[way])
        _expect(self, shape, ways[0] == ways[1])
        return ways[0]

    def passed(self, shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
        for layers in (self.layers, self.shortcut):
            before = shape
            for layer in layers:
                yield from layer.passed(before)
                before = layer.output_shape(before)

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        remaining = iter(weights)
        ways = [x, x]
        for way, layers in enumerate((self.layers, self.shortcut)):
            for layer in layers:
                ways[way] = layer.forward(ways[way], [next(remaining) for _ in layer.tensor_shapes])
        return ways[0] + ways[1]


@dataclass(frozen=True)
class Pool2d(Layer):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0

    def output_shape(self, shape: Shape) -> Shape:
        _expect(self, shape, len(shape) == 3)
        stride = self.kernel_size if self.stride is None else self.stride
        height, width = shape[1:]
        return (shape[0], *conv2d_output_shape((height, width), self.kernel_size, stride, self.padding))


@dataclass(frozen=True)
class MaxPool2d(Pool2d):
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return max_pool2d(x, self.kernel_size, self.stride, self.padding)


@dataclass(frozen=True)
class AvgPool2d(Pool2d):
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return average_pool2d(x, self.kernel_size, self.stride, self.padding)


@dataclass(frozen=True)
class Flatten(Layer):
    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return x.reshape(len(x), -1)


@dataclass(frozen=True)
class Squeeze(Layer):
    """Takes away the last axis, which must have length 1: (N, 1) scores become (N,)."""

    def output_shape(self, shape: Shape) -> Shape:
        _expect(self, shape, bool(shape) and shape[-1] == 1)
        return shape[:-1]

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return x.squeeze(-1)


@dataclass(frozen=True)
class ReLU(Elementwise):
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return np.maximum(x, 0.0)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        # exp of a large positive number overflows; tanh does not.
        half: Array = np.tanh(x / 2.0)
        return (half + 1.0) / 2.0


@dataclass(frozen=True)
class Tanh(Elementwise):
    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        output: Array = np.tanh(x)
        return output


@dataclass(frozen=True)
class Dropout(Elementwise):
    """Drops units while training; when a trained network is applied, as here, it does nothing."""

    p: float = 0.5

    def forward(self, x: Array, weights: Sequence[Array]) -> Array:
        return x


def _expect(layer: Layer, shape: Shape, fits: bool) -> None:
    if not fits:
        raise ValueError(f"{layer} does not take an input of shape {list(shape)}")
