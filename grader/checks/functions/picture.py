"""A record from which a picture of one convolution or pooling can be drawn: small lists of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.facts.values.compare import Tolerance, first_wrong
from grader.facts.values.plain import jsonable

__all__ = ["Sliding", "picture"]

_LARGEST_SIDE = 16
_MOST_PLANES = 4
_DIGITS = 4


@dataclass(frozen=True)
class Sliding:
    """What was slid over what.

    Attributes:
        image: (H, W), (C, H, W) or (N, C, H, W).
        kernel: (kh, kw), (C, kh, kw) or (F, C, kh, kw); None for pooling.
        size: Height and width of the window.
        stride: Rows down and columns right from one window to the next.
        padding: Rows and columns of zeros on each side.
    """

    image: np.ndarray
    kernel: np.ndarray | None
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


def picture(
    how: Sliding, expected: np.ndarray, got: np.ndarray | None, tolerance: Tolerance
) -> dict[str, Any]:
    """Describes one call as plain lists, rounded; the plane shown is that of the first wrong number.

    Returns:
        ``input`` and ``kernel``: a list of planes (channels), each a list of rows; ``expected``, ``got`` and
        ``difference``: one plane; ``first_wrong``: where the wrong number stands, the window that it comes
        from (``top`` and ``left`` count in the input and are negative within the padding) and both values.
        What is too large for a picture is None; `got` and `difference` are None where shapes differ.
    """
    same_shape = got is not None and got.shape == expected.shape
    index = first_wrong(expected, got, tolerance) if same_shape and got is not None else None
    place = index or (0,) * expected.ndim
    plane = expected[place[:-2]]
    found = got[place[:-2]] if same_shape and got is not None else None
    record: dict[str, Any] = {
        "input": _planes(how.image[place[0]] if how.image.ndim == 4 else how.image),
        "kernel": _planes(_kernel_at(how, place)),
        "stride": list(how.stride),
        "padding": list(how.padding),
        "expected_shape": list(expected.shape),
        "got_shape": None if got is None else list(got.shape),
        "plane": list(place[:-2]),
        "expected": _plane(plane),
        "got": _plane(found),
        "difference": _plane(None if found is None else found - plane),
        "first_wrong": None,
    }
    if index is not None and found is not None:
        record["first_wrong"] = _window(how, index, float(plane[index[-2:]]), float(found[index[-2:]]))
    return record


def _kernel_at(how: Sliding, place: tuple[int, ...]) -> np.ndarray | None:
    """The one kernel that gave the plane shown."""
    if how.kernel is None or how.kernel.ndim < 4:
        return how.kernel
    kernel: np.ndarray = how.kernel[place[-3]]
    return kernel


def _window(how: Sliding, index: tuple[int, ...], expected: float, got: float) -> dict[str, Any]:
    row, column = index[-2:]
    return {
        "row": row,
        "column": column,
        "window": {
            "top": row * how.stride[0] - how.padding[0],
            "left": column * how.stride[1] - how.padding[1],
            "height": how.size[0],
            "width": how.size[1],
        },
        "expected": jsonable(expected, digits=_DIGITS),
        "got": jsonable(got, digits=_DIGITS),
    }


def _planes(array: np.ndarray | None) -> list[Any] | None:
    if array is None:
        return None
    stack = array if array.ndim == 3 else array[np.newaxis]
    planes = [_plane(plane) for plane in stack[:_MOST_PLANES]]
    return None if any(plane is None for plane in planes) else planes


def _plane(array: np.ndarray | None) -> Any:
    if array is None or array.ndim != 2 or max(array.shape) > _LARGEST_SIDE:
        return None
    return jsonable(array, digits=_DIGITS)
