"""Work on the lab of convolution by hand: right, or wrong in everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from reference import FUNCTIONS
from tests.unit.grading.handed_in import Work
from tests.unit.grading.trained import sequential

__all__ = ["work"]


def off_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives wrong numbers of the right shape."""
    return lambda *args, **kwargs: np.asarray(function(*args, **kwargs)) + 1.0


_BY_HAND = {
    "conv2d": ("conv2d", FUNCTIONS["conv2d"]),
    "conv2d-multichannel": ("conv2d_multichannel", FUNCTIONS["conv2d"]),
    "zero-padding": ("zero_padding", FUNCTIONS["zero_padding"]),
    "strided-conv2d": ("strided_conv2d", lambda x, k, stride: FUNCTIONS["conv2d"](x, k, stride=stride)),
    "vectorized": ("conv2d_fast", FUNCTIONS["conv2d"]),
    "max-pool2d": ("max_pool2d", FUNCTIONS["max_pool2d"]),
    "average-pool2d": ("average_pool2d", FUNCTIONS["average_pool2d"]),
}
_UNITS = {"units_a": 25, "units_b": 25, "units_c": 125, "units_d": 9000}
_WEIGHTS = {"a": (9, 1), "b": (27, 1), "c": (135, 5), "d": (450, 10), "e": (20_000_000, 500)}
_COUNTS = {
    f"{kind}_{name}": count
    for name, both in _WEIGHTS.items()
    for kind, count in zip(("weights", "biases"), both, strict=True)
}


def work(*, right: bool) -> Work:
    body = "total = 0\n    for row in range(3):\n        total = total + row\n    return total"
    if not right:
        body = "return torch.nn.functional.conv2d(*args) + F.max_pool2d(*args)"
    code = {section: f"def {name}(*args):\n    {body}" for section, (name, _) in _BY_HAND.items()}
    code |= {
        "sobel-filters": "sobel_vertical = ...",
        "output-units": "units_a = ...",
        "weight-counts": "weights_a = ...",
    }
    code |= {"mlp": "class MLP: ...", "lenet5": "class LeNet5: ..."}
    if not right:
        code["mlp"] += "\nsum = 3"
    sobel = [FUNCTIONS[name]() for name in ("sobel_vertical", "sobel_horizontal")]
    shift = 0 if right else 1.5
    variables = [
        ("sobel-filters", "sobel_vertical", sobel[0] + shift),
        ("sobel-filters", "sobel_horizontal", sobel[1] + shift),
    ]
    variables += [("output-units", name, count + shift) for name, count in _UNITS.items()]
    variables += [("weight-counts", name, count + shift) for name, count in _COUNTS.items()]
    return Work(
        code=code,
        variables=variables,
        functions={name: function if right else off_by_one(function) for name, function in _BY_HAND.values()},
        networks={"MLP": _mlp(50 if right else 51), "LeNet5": _lenet(10 if right else 11)},
        operations=(12, 12 if right else 900),
    )


def _mlp(hidden: int) -> nn.Module:
    return sequential(nn.Linear(784, hidden), nn.Linear(hidden, 20), nn.Linear(20, 10))


def _lenet(classes: int) -> nn.Module:
    return sequential(
        nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes),
    )  # fmt: skip
