"""Hand-made filters, and the functions of Lab 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import FUNCTIONS, filters, lab1

STEP = np.repeat([[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]], 6, axis=0)


def test_the_vertical_kernel_answers_to_vertical_edges_only() -> None:
    np.testing.assert_array_equal(filters.vertical_edges(STEP), [[0, 4, 4, 0]] * 4)
    np.testing.assert_array_equal(filters.horizontal_edges(STEP), np.zeros((4, 4)))


def test_the_horizontal_kernel_is_the_vertical_one_turned() -> None:
    turned = filters.horizontal_edges(STEP.T)
    np.testing.assert_array_equal(turned, filters.vertical_edges(STEP).T)


@given(st.sampled_from([3, 5, 7, 9]), st.floats(0.4, 3.0))
def test_a_blob_kernel_is_balanced_and_brightest_in_the_middle(size: int, sigma: float) -> None:
    kernel = filters.blob(size, sigma)
    assert abs(kernel.sum()) < 1e-12
    assert np.abs(kernel).sum() == pytest.approx(1.0)
    assert np.unravel_index(kernel.argmax(), kernel.shape) == (size // 2, size // 2)


@pytest.mark.parametrize(("size", "sigma"), [(4, 1.0), (1, 1.0), (3, 0.0)])
def test_a_blob_kernel_without_a_middle_or_radius_is_refused(size: int, sigma: float) -> None:
    with pytest.raises(ValueError, match="blob kernel"):
        filters.blob(size, sigma)


@given(st.integers(0, 300))
def test_sum_of_cubes_is_the_sum(n: int) -> None:
    assert lab1.sum_of_cubes(n) == sum(k**3 for k in range(n + 1))


@pytest.mark.parametrize("n", [-1, -7, 2.5, 3.0, "3", None])
def test_sum_of_cubes_of_what_is_no_natural_number(n: object) -> None:
    assert lab1.sum_of_cubes(n) == -1


def test_sum_of_cubes_takes_numpy_integers() -> None:
    assert lab1.sum_of_cubes(np.int64(3)) == 36


def test_the_sentences_of_the_handout() -> None:
    assert lab1.word_lengths("welcome to APS360!") == [7, 2, 7]
    assert lab1.word_lengths("machine learning is so cool") == [7, 8, 2, 2, 4]
    assert not lab1.all_same_length("hello to you")
    assert lab1.all_same_length("hello world")
    assert lab1.all_same_length("")


def test_matrix_times_vector_equals_numpy() -> None:
    matrix = np.arange(12.0).reshape(3, 4)
    vector = np.array([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(lab1.matrix_vector(matrix, vector), matrix @ vector)


def test_a_brightened_image_stays_within_its_range() -> None:
    np.testing.assert_array_equal(lab1.brightened([[0.0, 0.5, 0.9]]), [[0.25, 0.75, 1.0]])


def test_the_largest_number_of_each_channel() -> None:
    image = np.zeros((2, 2, 3))
    image[1, 0] = [0.1, 0.2, 0.3]
    np.testing.assert_array_equal(lab1.channel_maximum(image), [0.1, 0.2, 0.3])
    with_alpha = np.concatenate([image, np.ones_like(image[..., :1])], axis=-1)
    np.testing.assert_array_equal(lab1.channel_maximum(with_alpha), [0.1, 0.2, 0.3, 1.0])
    np.testing.assert_array_equal(lab1.colour_maximum(with_alpha), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(lab1.colour_maximum(image), [0.1, 0.2, 0.3])


def test_every_function_says_what_it_is_for() -> None:
    assert all(function.__doc__ for function in FUNCTIONS.values())
