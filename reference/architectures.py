"""The networks of the labs and the lecture, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from .arithmetic import ParameterCount
from .convolution import Array
from .layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Shape,
    Squeeze,
    Tanh,
)

__all__ = [
    "ALEXNET_CLASSIFIER",
    "ALEXNET_FEATURES",
    "LARGE_NET",
    "LENET5",
    "MLP",
    "PIGEON",
    "PLAIN_BLOCK",
    "RESIDUAL_BLOCK",
    "SMALL_NET",
    "Architecture",
    "Step",
]


@dataclass(frozen=True)
class Step:
    """One line of the table that one would draw for a network."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: ParameterCount | None


@dataclass(frozen=True)
class Architecture:
    """A network that runs its layers one after another.

    Attributes:
        name: As the labs call it.
        input_shape: Of one input, without the batch axis.
        layers: In the order of the forward pass; a layer used twice stands there twice.
        source: Where it comes from.
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    source: str

    @property
    def steps(self) -> tuple[Step, ...]:
        """Each layer with its shapes and parameters; those of a block one by one, its shortcut's last.

        Raises:
            ValueError: A layer does not take what the one before it gives.
        """
        return tuple(self._steps())

    def _steps(self) -> Iterator[Step]:
        shape = self.input_shape
        for layer in self.layers:
            for part, before, after in layer.passed(shape):
                yield Step(part, before, after, part.parameters)
            shape = layer.output_shape(shape)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Output shape of each layer, without the batch axis."""
        return tuple(step.output_shape for step in self.steps)

    @property
    def output_shape(self) -> Shape:
        shape = self.input_shape
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    @property
    def parts(self) -> tuple[Layer, ...]:
        """Its layers, those within blocks one by one."""
        return tuple(part for layer in self.layers for part in layer.parts)

    @property
    def arithmetic(self) -> tuple[str, ...]:
        """How the parameters of each learning layer are counted, as ``3*3*3*5 + 5 = 140``."""
        return tuple(part.parameters.text for part in self.parts if part.parameters)

    @property
    def parameter_count(self) -> int:
        """Weights and biases of all layers."""
        return sum(layer.parameters.total for layer in self.layers if layer.parameters)

    @property
    def parameter_shapes(self) -> tuple[Shape, ...]:
        """Shapes of all weights and biases."""
        return tuple(shape for part in self.parts for shape in part.parameter_shapes)

    @property
    def tensor_shapes(self) -> tuple[tuple[Shape, ...], ...]:
        """Shapes of what each layer that learns takes, in the order in which `forward` takes them all."""
        return tuple(part.tensor_shapes for part in self.parts if part.tensor_shapes)

    def forward(self, weights: Sequence[ArrayLike], x: ArrayLike) -> Array:
        """Applies the network as after training.

        Args:
            weights: All that each learning layer takes, one after another, of `tensor_shapes`.
            x: (N, *input_shape).

        Returns:
            (N, *output_shape) float64.

        Raises:
            ValueError: Weights or input do not have these shapes.
        """
        arrays = [np.asarray(weight, dtype=np.float64) for weight in weights]
        output = np.asarray(x, dtype=np.float64)
        self._expect_shapes(tuple(array.shape for array in arrays), output.shape[1:])
        remaining = iter(arrays)
        for layer in self.layers:
            output = layer.forward(output, [next(remaining) for _ in layer.tensor_shapes])
        return output

    def _expect_shapes(self, weights: tuple[Shape, ...], x: Shape) -> None:
        taken = tuple(shape for shapes in self.tensor_shapes for shape in shapes)
        if weights != taken:
            raise ValueError(f"{self.name} takes weights of shapes {taken}, not {weights}")
        if x != self.input_shape:
            raise ValueError(f"{self.name} takes inputs of shape {self.input_shape}, not {x}")


def _fully_connected(name: str, sizes: Sequence[int], source: str) -> Architecture:
    layers: list[Layer] = []
    for before, after in pairwise(sizes):
        layers += [Linear(before, after), ReLU()]
    return Architecture(name, (sizes[0],), tuple(layers[:-1]), source)


SMALL_NET = Architecture(
    "SmallNet",
    (3, 32, 32),
    (
        Conv2d(3, 5, 3),
        ReLU(),
        MaxPool2d(2),
        MaxPool2d(2),
        Flatten(),
        Linear(245, 1),
        Squeeze(),
    ),
    "Lab 2, part 0",
)

LARGE_NET = Architecture(
    "LargeNet",
    (3, 32, 32),
    (
        Conv2d(3, 5, 5),
        ReLU(),
        MaxPool2d(2),
        Conv2d(5, 10, 5),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(250, 32),
        ReLU(),
        Linear(32, 1),
        Squeeze(),
    ),
    "Lab 2, part 0",
)

MLP = _fully_connected("MLP 784-50-20-10", (784, 50, 20, 10), "Lecture on artificial neural networks")

PIGEON = _fully_connected("Pigeon", (784, 30, 1), "Lab 1, part 5")

_TWO_CONVOLUTIONS = (
    Conv2d(8, 8, 3, padding=1),
    BatchNorm2d(8),
    ReLU(),
    Conv2d(8, 8, 3, padding=1),
    BatchNorm2d(8),
)

RESIDUAL_BLOCK = Architecture(
    "Residual block of 8 channels",
    (8, 12, 12),
    (Residual(_TWO_CONVOLUTIONS), ReLU()),
    "K. He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385, figure 2",
)

PLAIN_BLOCK = Architecture(
    "The same without its input added", (8, 12, 12), (*_TWO_CONVOLUTIONS, ReLU()), RESIDUAL_BLOCK.source
)

LENET5 = Architecture(
    "LeNet-5",
    (1, 32, 32),
    (
        Conv2d(1, 6, 5),
        Tanh(),
        AvgPool2d(2),
        Conv2d(6, 16, 5),
        Tanh(),
        AvgPool2d(2),
        Flatten(),
        Linear(400, 120),
        Tanh(),
        Linear(120, 84),
        Tanh(),
        Linear(84, 10),
    ),
    "Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, section II; pooling "
    "without weights of its own and a plain last layer, as it is taught today",
)

ALEXNET_FEATURES = Architecture(
    "AlexNet features",
    (3, 224, 224),
    (
        Conv2d(3, 64, 11, stride=4, padding=2),
        ReLU(),
        MaxPool2d(3, stride=2),
        Conv2d(64, 192, 5, padding=2),
        ReLU(),
        MaxPool2d(3, stride=2),
        Conv2d(192, 384, 3, padding=1),
        ReLU(),
        Conv2d(384, 256, 3, padding=1),
        ReLU(),
        Conv2d(256, 256, 3, padding=1),
        ReLU(),
        MaxPool2d(3, stride=2),
    ),
    "A. Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997; as in "
    "torchvision.models.alexnet",
)

ALEXNET_CLASSIFIER = Architecture(
    "AlexNet classifier",
    (256, 6, 6),
    (
        Flatten(),
        Dropout(),
        Linear(9216, 4096),
        ReLU(),
        Dropout(),
        Linear(4096, 4096),
        ReLU(),
        Linear(4096, 1000),
    ),
    ALEXNET_FEATURES.source,
)
