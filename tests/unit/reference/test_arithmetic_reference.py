"""The relationships of the guide to convolution arithmetic, and the lecture's questions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference.arithmetic import (
    conv2d_output_shape,
    conv2d_parameters,
    linear_parameters,
    mlp_parameter_count,
    output_size,
    output_units,
)

sides = st.integers(8, 60)
kernels = st.integers(1, 8)


@given(sides, kernels)
def test_relationship_1_no_padding_unit_stride(i: int, k: int) -> None:
    assert output_size(i, k) == (i - k) + 1


@given(sides, kernels, st.integers(0, 9))
def test_relationship_2_padding_unit_stride(i: int, k: int, p: int) -> None:
    assert output_size(i, k, padding=p) == (i - k) + 2 * p + 1


@given(sides, st.sampled_from([1, 3, 5, 7]))
def test_relationship_3_half_padding_keeps_the_size(i: int, k: int) -> None:
    assert output_size(i, k, padding=k // 2) == i


@given(sides, kernels)
def test_relationship_4_full_padding_grows_the_size(i: int, k: int) -> None:
    assert output_size(i, k, padding=k - 1) == i + (k - 1)


@given(sides, kernels, st.integers(1, 5))
def test_relationship_5_stride_without_padding(i: int, k: int, s: int) -> None:
    assert output_size(i, k, stride=s) == (i - k) // s + 1


@given(sides, kernels, st.integers(1, 5), st.integers(0, 5))
def test_relationship_6_stride_and_padding(i: int, k: int, s: int, p: int) -> None:
    assert output_size(i, k, stride=s, padding=p) == (i + 2 * p - k) // s + 1


@given(sides, st.integers(1, 4), st.integers(1, 5), st.integers(0, 5), st.integers(1, 2))
def test_relationship_15_dilation(i: int, k: int, s: int, p: int, d: int) -> None:
    assert output_size(i, k, s, p, d) == (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1


@pytest.mark.parametrize(
    ("i", "k", "s", "p", "d", "expected"),
    [
        (4, 3, 1, 0, 1, 2),
        (5, 4, 1, 2, 1, 6),
        (5, 3, 1, 1, 1, 5),
        (5, 3, 1, 2, 1, 7),
        (5, 3, 2, 0, 1, 2),
        (5, 3, 2, 1, 1, 3),
        (6, 3, 2, 1, 1, 3),
        (7, 3, 1, 0, 2, 3),
    ],
)
def test_figures_of_the_guide(i: int, k: int, s: int, p: int, d: int, expected: int) -> None:
    assert output_size(i, k, s, p, d) == expected


@pytest.mark.parametrize("sizes", [(3, 4), (0, 1), (5, 3, 0), (5, 3, 1, -1)])
def test_sizes_that_make_no_sense_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"fit|at least"):
        output_size(*sizes)


def test_a_grey_7x7_image_under_one_3x3_kernel() -> None:
    assert output_units((7, 7), 3) == 25
    assert conv2d_parameters(1, 1, 3).text == "3*3*1*1 + 1 = 10"


def test_a_colour_7x7_image_under_one_kernel_and_under_five() -> None:
    one = conv2d_parameters(3, 1, 3)
    assert (one.weights, one.biases, one.total) == (27, 1, 28)
    assert output_units((7, 7), 3, filters=5) == 5 * 5 * 5
    assert conv2d_parameters(3, 5, 3).text == "3*3*3*5 + 5 = 140"


def test_five_32x32_channels_under_ten_kernels() -> None:
    assert conv2d_output_shape((32, 32), 3) == (30, 30)
    assert output_units((32, 32), 3, filters=10) == 10 * 30 * 30
    counted = conv2d_parameters(5, 10, 3)
    assert (counted.weights, counted.biases) == (450, 10)


def test_a_200x200_image_into_500_units() -> None:
    counted = linear_parameters(200 * 200, 500)
    assert (counted.weights, counted.biases) == (20_000_000, 500)
    assert counted.text == "40000*500 + 500 = 20000500"


def test_the_mlp_of_the_lecture() -> None:
    first = linear_parameters(784, 50)
    assert (first.weights, first.biases) == (39_200, 50)
    assert mlp_parameter_count([784, 50, 20, 10]) == 40_480


def test_without_bias_the_sum_names_none() -> None:
    assert conv2d_parameters(2, 4, (1, 3), bias=False).text == "1*3*2*4 = 24"
    assert linear_parameters(2, 4, bias=False).total == 8


@given(st.integers(1, 5), st.integers(1, 5), st.tuples(st.integers(1, 4), st.integers(1, 4)), st.booleans())
def test_conv2d_parameters_equal_torch(
    channels: int, filters: int, kernel: tuple[int, int], bias: bool
) -> None:
    layer = torch.nn.Conv2d(channels, filters, kernel, bias=bias)
    counted = conv2d_parameters(channels, filters, kernel, bias=bias)
    assert counted.total == sum(parameter.numel() for parameter in layer.parameters())
