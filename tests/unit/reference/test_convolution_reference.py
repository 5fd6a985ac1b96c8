"""The reference convolution and pooling against torch, and against the published worked example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from reference.convolution import conv2d, flipped_conv2d, zero_padding
from reference.mistakes import padding_after, padding_of_columns, padding_of_rows
from reference.pooling import average_pool2d, max_pool2d

IMAGE = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@dataclass(frozen=True)
class Problem:
    images: np.ndarray
    kernels: np.ndarray
    bias: np.ndarray
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation, stride = draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    sides = [
        max(1, gap * (side - 1) + 1 - 2 * frame) + draw(st.integers(0, 5))
        for side, gap, frame in zip(kernel, dilation, padding, strict=True)
    ]
    count, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Problem(
        chance.normal(size=(count, channels, *sides)),
        chance.normal(size=(filters, channels, *kernel)),
        chance.normal(size=filters),
        stride,
        padding,
        dilation,
    )


def by_torch(problem: Problem, kernels: np.ndarray) -> np.ndarray:
    tensors = (torch.from_numpy(array.copy()) for array in (problem.images, kernels, problem.bias))
    return functional.conv2d(*tensors, problem.stride, problem.padding, problem.dilation).numpy()


@settings(deadline=None, max_examples=150)
@given(problems())
def test_conv2d_equals_torch(problem: Problem) -> None:
    how = {"stride": problem.stride, "padding": problem.padding, "dilation": problem.dilation}
    found = conv2d(problem.images, problem.kernels, problem.bias, **how)
    np.testing.assert_allclose(found, by_torch(problem, problem.kernels), atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(problems())
def test_flipped_conv2d_equals_torch_with_the_kernel_turned_by_180_degrees(problem: Problem) -> None:
    how = {"stride": problem.stride, "padding": problem.padding, "dilation": problem.dilation}
    turned = np.rot90(problem.kernels, 2, axes=(2, 3))
    found = flipped_conv2d(problem.images, problem.kernels, problem.bias, **how)
    np.testing.assert_allclose(found, by_torch(problem, turned), atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(problems())
def test_one_image_and_one_kernel_give_the_same_numbers_without_their_axes(problem: Problem) -> None:
    images, kernels = problem.images, problem.kernels
    how = {"padding": problem.padding, "dilation": problem.dilation}
    whole = conv2d(images, kernels, **how)
    np.testing.assert_allclose(conv2d(images[0], kernels, **how), whole[0], atol=1e-12)
    np.testing.assert_allclose(conv2d(images, kernels[0], **how), whole[:, 0], atol=1e-12)
    np.testing.assert_allclose(conv2d(images[0], kernels[0], **how), whole[0, 0], atol=1e-12)


@st.composite
def poolings(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, int], tuple[int, int] | None, tuple[int, int]]:
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, side // 2)) for side in kernel)
    sides = [side + draw(st.integers(0, 6)) for side in kernel]
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = chance.normal(size=(draw(st.integers(1, 3)), draw(st.integers(1, 3)), *sides))
    return images, kernel, draw(st.none() | pairs), padding


@settings(deadline=None, max_examples=150)
@given(poolings())
def test_pooling_equals_torch(problem: tuple) -> None:
    images, kernel, stride, padding = problem
    tensor = torch.from_numpy(images)
    highest = functional.max_pool2d(tensor, kernel, stride, padding).numpy()
    means = functional.avg_pool2d(tensor, kernel, stride, padding).numpy()
    np.testing.assert_array_equal(max_pool2d(images, kernel, stride, padding), highest)
    np.testing.assert_allclose(average_pool2d(images, kernel, stride, padding), means, atol=1e-12)


def test_the_worked_example_of_the_guide_to_convolution_arithmetic() -> None:
    expected = [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    np.testing.assert_array_equal(conv2d(IMAGE, KERNEL), expected)


def test_the_worked_example_with_padding_and_stride() -> None:
    expected = [[6, 17, 3], [8, 17, 13], [6, 4, 4]]
    np.testing.assert_array_equal(conv2d(IMAGE, KERNEL, stride=2, padding=1), expected)


def test_the_worked_examples_of_pooling() -> None:
    np.testing.assert_array_equal(max_pool2d(IMAGE, 3, 1), [[3, 3, 3], [3, 3, 3], [3, 2, 3]])
    means = average_pool2d(IMAGE, 3, 1).round(1)
    np.testing.assert_array_equal(means, [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]])


def test_a_flipped_kernel_shows_on_the_worked_example() -> None:
    assert not np.array_equal(flipped_conv2d(IMAGE, KERNEL), conv2d(IMAGE, KERNEL))


def test_zero_padding_frames_the_last_two_axes() -> None:
    framed = zero_padding(np.ones((2, 1, 1)), (1, 2))
    assert framed.shape == (2, 3, 5)
    np.testing.assert_array_equal(framed[1], [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])


def test_usual_mistakes_of_zero_padding_leave_sides_out() -> None:
    ones = np.ones((2, 1, 1))
    np.testing.assert_array_equal(padding_of_columns(ones, 1)[0], [[0, 1, 0]])
    np.testing.assert_array_equal(padding_of_rows(ones, 1)[0], [[0], [1], [0]])
    np.testing.assert_array_equal(padding_after(ones, 2)[1], [[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(padding_after(ones, 0), zero_padding(ones, 0))


def test_channels_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="3 channels, kernels 2"):
        conv2d(np.ones((3, 5, 5)), np.ones((2, 3, 3)))


def test_a_kernel_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        conv2d(np.ones((2, 2)), np.ones((3, 3)))


def test_one_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="two to four axes, not 1"):
        conv2d(np.ones(4), np.ones((2, 2)))


def test_pooling_refuses_padding_of_more_than_half_the_window() -> None:
    with pytest.raises(ValueError, match="half the window"):
        max_pool2d(np.ones((4, 4)), 2, padding=2)
