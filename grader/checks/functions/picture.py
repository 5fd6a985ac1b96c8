"""One convolution or pooling in numbers, few enough to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grader.facts.values.compare import Tolerance, first_wrong
from grader.judging.exhibits import FirstWrong, Plane, Window, WindowBox

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


def picture(how: Sliding, expected: np.ndarray, got: np.ndarray | None, tolerance: Tolerance) -> Window:
    """Describes one call, rounded; the plane shown is that of the first wrong number."""
    same_shape = got is not None and got.shape == expected.shape
    index = first_wrong(expected, got, tolerance) if same_shape and got is not None else None
    place = index or (0,) * expected.ndim
    plane = expected[place[:-2]]
    found = got[place[:-2]] if same_shape and got is not None else None
    first = None
    if index is not None and found is not None:
        first = _first_wrong(how, index, float(plane[index[-2:]]), float(found[index[-2:]]))
    return Window(
        input=_planes(how.image[place[0]] if how.image.ndim == 4 else how.image),
        kernel=_planes(_kernel_at(how, place)),
        stride=how.stride,
        padding=how.padding,
        expected_shape=expected.shape,
        got_shape=None if got is None else got.shape,
        plane=place[:-2],
        expected=_plane(plane),
        got=_plane(found),
        difference=_plane(None if found is None else found - plane),
        first_wrong=first,
    )


def _kernel_at(how: Sliding, place: tuple[int, ...]) -> np.ndarray | None:
    """The one kernel that gave the plane shown."""
    if how.kernel is None or how.kernel.ndim < 4:
        return how.kernel
    kernel: np.ndarray = how.kernel[place[-3]]
    return kernel


def _first_wrong(how: Sliding, index: tuple[int, ...], expected: float, got: float) -> FirstWrong:
    row, column = index[-2:]
    window = WindowBox(
        top=row * how.stride[0] - how.padding[0],
        left=column * how.stride[1] - how.padding[1],
        height=how.size[0],
        width=how.size[1],
    )
    return FirstWrong(
        row=row, column=column, window=window, expected=round(expected, _DIGITS), got=round(got, _DIGITS)
    )


def _planes(array: np.ndarray | None) -> tuple[Plane, ...] | None:
    if array is None:
        return None
    stack = array if array.ndim == 3 else array[np.newaxis]
    planes = [plane for plane in map(_plane, stack[:_MOST_PLANES]) if plane is not None]
    return tuple(planes) if len(planes) == len(stack[:_MOST_PLANES]) else None


def _plane(array: np.ndarray | None) -> Plane | None:
    if array is None or array.ndim != 2 or max(array.shape) > _LARGEST_SIDE:
        return None
    if array.dtype.kind not in "biuf":
        return None
    return tuple(tuple(round(float(number), _DIGITS) for number in row) for row in array.tolist())
