"""Lab 1, PyTorch and ANNs: the functions and array steps that it asks for."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import ArrayLike

from .convolution import Array

__all__ = [
    "all_same_length",
    "brightened",
    "channel_maximum",
    "colour_maximum",
    "matrix_vector",
    "sum_of_cubes",
    "word_lengths",
]


def sum_of_cubes(n: object) -> int:
    """``1**3 + 2**3 + ... + n**3``; -1 for what is not a natural number.

    The handout leaves n = 0 open: the empty sum is 0, and a rubric accepts -1 as well.

    Source: Lab 1, part 1 (a); Nicomachus: the sum is the square of the n-th triangular number.
    """
    try:
        count = operator.index(n)  # type: ignore[arg-type]  # whatever the student's function is given
    except TypeError:
        return -1
    return (count * (count + 1) // 2) ** 2 if count >= 0 else -1


def word_lengths(sentence: str) -> list[int]:
    """Lengths of the words, which white space separates: "welcome to APS360!" gives [7, 2, 7].

    Source: Lab 1, part 1 (b).
    """
    return [len(word) for word in sentence.split()]


def all_same_length(sentence: str) -> bool:
    """Whether all words are equally long; true for no words.

    Source: Lab 1, part 1 (c).
    """
    return len(set(word_lengths(sentence))) <= 1


def matrix_vector(matrix: ArrayLike, vector: ArrayLike) -> Array:
    """Matrix (m, n) times vector (n,), written with the sums: (m,) float64.

    Source: Lab 1, part 2.
    """
    rows = np.asarray(matrix, dtype=np.float64)
    columns = np.asarray(vector, dtype=np.float64)
    return np.array([sum(a * b for a, b in zip(row, columns, strict=True)) for row in rows])


def brightened(image: ArrayLike, amount: float = 0.25) -> Array:
    """The image with `amount` added, kept within [0, 1].

    Args:
        image: (H, W) or (H, W, C) float in [0, 1].
        amount: What is added to every number.

    Source: Lab 1, part 3.
    """
    return np.clip(np.asarray(image, dtype=np.float64) + amount, 0.0, 1.0)


def channel_maximum(image: ArrayLike) -> Array:
    """The largest number of each channel: (H, W, C) gives (C,).

    Source: Lab 1, part 4.
    """
    largest: Array = np.asarray(image, dtype=np.float64).max(axis=(0, 1))
    return largest


def colour_maximum(image: ArrayLike) -> Array:
    """The largest number of each colour channel: (H, W, 3) or, with alpha, (H, W, 4) gives (3,).

    Source: Lab 1, part 4.
    """
    return np.atleast_1d(channel_maximum(image))[:3]
