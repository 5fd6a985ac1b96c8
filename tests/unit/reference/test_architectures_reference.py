"""The networks: their published counts and shapes, and their arithmetic against torch.nn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reference import ARCHITECTURES
from reference.architectures import Architecture
from reference.layers import AvgPool2d, Conv2d, Flatten, Layer, Linear, Residual, Sigmoid, Squeeze

COUNTS = {
    "small_net": 386,
    "large_net": 9_705,
    "mlp": 40_480,
    "pigeon": 23_581,
    "lenet5": 61_706,
    "residual_block": 2 * (8 * 8 * 9 + 8) + 2 * 16,
    "plain_block": 2 * (8 * 8 * 9 + 8) + 2 * 16,
    "alexnet_features": 2_469_696,
    "alexnet_classifier": 58_631_144,
}
OUTPUTS = {
    "small_net": (),
    "large_net": (),
    "mlp": (10,),
    "pigeon": (1,),
    "lenet5": (10,),
    "residual_block": (8, 12, 12),
    "plain_block": (8, 12, 12),
    "alexnet_features": (256, 6, 6),
    "alexnet_classifier": (1000,),
}
LIGHT = [name for name in COUNTS if name != "alexnet_classifier"]


class Added(torch.nn.Module):
    """A residual block as it is written in torch."""

    def __init__(self, block: Residual) -> None:
        super().__init__()
        self.way = torch.nn.Sequential(*map(in_torch, block.layers))
        self.shortcut = torch.nn.Sequential(*map(in_torch, block.shortcut))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.way(x) + self.shortcut(x)


def tensors_of(network: torch.nn.Module) -> list[np.ndarray]:
    """What each layer that learns holds, in the order of registration; normalisations as if trained."""
    learning = [part for part in network.modules() if part._parameters]
    for part in learning:
        for buffer in part._buffers.values():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    held = [[*part._parameters.values(), *part._buffers.values()] for part in learning]
    return [one.detach().numpy() for part in held for one in part if one.is_floating_point()]


def in_torch(layer: Layer) -> torch.nn.Module:
    """The layer of the same name in torch.nn, built from the same fields."""
    if isinstance(layer, Squeeze):
        return torch.nn.Flatten(0)
    if isinstance(layer, Residual):
        return Added(layer)
    return getattr(torch.nn, layer.type)(**vars(layer))


def test_every_architecture_has_a_published_count_and_shape() -> None:
    assert set(ARCHITECTURES) == set(COUNTS) == set(OUTPUTS)


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_count_and_output_shape(name: str) -> None:
    assert ARCHITECTURES[name].parameter_count == COUNTS[name]
    assert ARCHITECTURES[name].output_shape == OUTPUTS[name]


@pytest.mark.parametrize("name", LIGHT)
def test_forward_equals_torch_with_the_same_weights(name: str) -> None:
    architecture = ARCHITECTURES[name]
    torch.manual_seed(0)
    network = torch.nn.Sequential(*(in_torch(layer) for layer in architecture.layers)).double().eval()
    x = torch.randn(2, *architecture.input_shape, dtype=torch.float64)
    weights = tensors_of(network)
    with torch.no_grad():
        expected = network(x).numpy()
    np.testing.assert_allclose(architecture.forward(weights, x.numpy()), expected, atol=1e-9)


def test_the_sums_of_small_net_and_large_net_as_the_lab_writes_them() -> None:
    assert ARCHITECTURES["small_net"].arithmetic == ("3*3*3*5 + 5 = 140", "245*1 + 1 = 246")
    assert ARCHITECTURES["large_net"].arithmetic == (
        "5*5*3*5 + 5 = 380",
        "5*5*5*10 + 10 = 1260",
        "250*32 + 32 = 8032",
        "32*1 + 1 = 33",
    )


def test_shapes_of_lenet_layer_by_layer() -> None:
    lenet = ARCHITECTURES["lenet5"]
    learning_or_pooling = [step.output_shape for step in lenet.steps if step.layer.type != "Tanh"]
    assert learning_or_pooling == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (400,),
        (120,),
        (84,),
        (10,),
    ]


def test_steps_join_each_output_to_the_next_input() -> None:
    for architecture in ARCHITECTURES.values():
        steps = architecture.steps
        assert steps[0].input_shape == architecture.input_shape
        assert [step.output_shape for step in steps[:-1]] == [step.input_shape for step in steps[1:]]


def test_weights_of_another_network_are_refused() -> None:
    small = ARCHITECTURES["small_net"]
    weights = [np.zeros(shape) for shape in small.parameter_shapes]
    with pytest.raises(ValueError, match="takes weights of shapes"):
        small.forward(weights[:-1], np.zeros((1, 3, 32, 32)))
    with pytest.raises(ValueError, match="takes inputs of shape"):
        small.forward(weights, np.zeros((1, 3, 28, 28)))


def test_a_layer_that_does_not_fit_the_one_before_names_itself() -> None:
    broken = Architecture("broken", (3, 8, 8), (Conv2d(3, 4, 3), Flatten(), Linear(100, 2)), "this test")
    with pytest.raises(ValueError, match=r"Linear\(in_features=100.*shape \[144\]"):
        broken.shapes  # noqa: B018 - the property raises


def test_padding_stride_and_missing_biases_count() -> None:
    net = Architecture(
        "strided",
        (2, 9, 9),
        (
            Conv2d(2, 4, (3, 1), stride=2, padding=(1, 0), bias=False),
            AvgPool2d(2, stride=1),
            Flatten(),
            Linear(64, 3, bias=False),
            Sigmoid(),
        ),
        "this test",
    )
    assert net.shapes == ((4, 5, 5), (4, 4, 4), (64,), (3,), (3,))
    assert net.parameter_count == 24 + 192
    network = torch.nn.Sequential(*(in_torch(layer) for layer in net.layers)).double()
    x = torch.randn(2, 2, 9, 9, dtype=torch.float64)
    weights = [parameter.detach().numpy() for parameter in network.parameters()]
    np.testing.assert_allclose(net.forward(weights, x.numpy()), network(x).detach().numpy(), atol=1e-12)


def test_sigmoid_of_large_numbers_neither_overflows_nor_leaves_the_unit_interval() -> None:
    np.testing.assert_array_equal(Sigmoid().forward(np.array([-1e4, 0.0, 1e4]), []), [0.0, 0.5, 1.0])


def test_a_shortcut_with_weights_is_on_the_other_way() -> None:
    shortcut = Residual((Conv2d(3, 4, 3, padding=1),), (Conv2d(3, 4, 1),))
    block = Architecture("block", (3, 5, 6), (shortcut,), "here")
    assert block.output_shape == (4, 5, 6)
    assert [(step.layer.type, step.output_shape) for step in block.steps] == [("Conv2d", (4, 5, 6))] * 2
    assert block.arithmetic == ("3*3*3*4 + 4 = 112", "1*1*3*4 + 4 = 16")
    torch.manual_seed(0)
    network = Added(shortcut).double()
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    with torch.no_grad():
        expected = network(x).numpy()
    np.testing.assert_allclose(block.forward(tensors_of(network), x.numpy()), expected, atol=1e-9)


def test_a_block_whose_ways_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not take an input"):
        Residual((Conv2d(3, 4, 3),)).output_shape((3, 5, 6))
