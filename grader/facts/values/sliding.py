"""Convolution and pooling: the right answer, and those that the usual mistakes give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grader.facts.values.mistakes import Suspect

__all__ = ["Convolved", "Pooled", "PoolingKind", "Sliding"]

PoolingKind = Literal["max", "average"]


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


@dataclass(frozen=True)
class Convolved:
    """One convolution and the ways in which it is usually done wrong."""

    conv2d: Callable[..., np.ndarray]
    given: dict[str, np.ndarray]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @property
    def sliding(self) -> Sliding:
        kernel = self.given["kernel"]
        size = (kernel.shape[-2], kernel.shape[-1])
        return Sliding(self.given["image"], kernel, size, self.stride, self.padding)

    def right(self, function: Callable[..., np.ndarray] | None = None, **changed: Any) -> np.ndarray:
        """The right output, or the one with another function or other arguments."""
        given = {"bias": None, "stride": self.stride, "padding": self.padding, **self.given, **changed}
        image, kernel, bias = (given.pop(word) for word in ("image", "kernel", "bias"))
        return (function or self.conv2d)(image, kernel, bias, **given)

    def suspects(self, flipped: Callable[..., np.ndarray]) -> Iterable[Suspect]:
        """Mistakes, those that concern one argument only before those that concern the whole."""
        image, kernel = self.given["image"], self.given["kernel"]
        height, width = kernel.shape[-2:]
        yield Suspect("the kernel is flipped (turned by 180 degrees)", lambda: self.right(flipped))
        yield Suspect("the stride is ignored", lambda: self.right(stride=1))
        yield Suspect("the padding is forgotten", lambda: self.right(padding=0))
        yield Suspect("the bias is forgotten", lambda: self.right(bias=None))
        same = (height // 2, width // 2)
        yield Suspect("padding is added though none was asked for", lambda: self.right(padding=same))
        yield Suspect(
            "the kernel's rows and columns are exchanged", lambda: self.right(kernel=_turned(kernel))
        )
        if image.ndim > 2:
            yield from self._of_channels(image, kernel)
        shorter = "the last row and column of windows are left out (off by one)"
        yield Suspect(shorter, lambda: self.right()[..., :-1, :-1])
        yield Suspect("each window is averaged, not summed", lambda: self.right(bias=None) / (height * width))

    def _of_channels(self, image: np.ndarray, kernel: np.ndarray) -> Iterable[Suspect]:
        first = slice(0, 1)
        yield Suspect(
            "only the first channel is used",
            lambda: self.right(image=image[..., first, :, :], kernel=kernel[..., first, :, :]),
        )
        yield Suspect(
            "the channels are averaged, not summed",
            lambda: self.right(kernel=kernel / image.shape[-3]),
        )


def _turned(kernel: np.ndarray) -> np.ndarray:
    return np.swapaxes(kernel, -1, -2)


@dataclass(frozen=True)
class Pooled:
    """One pooling and the ways in which it is usually done wrong."""

    pool: Callable[..., np.ndarray]
    image: np.ndarray
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @property
    def sliding(self) -> Sliding:
        return Sliding(self.image, None, self.size, self.stride, self.padding)

    def right(self, function: Callable[..., np.ndarray] | None = None, **changed: Any) -> np.ndarray:
        given = {"stride": self.stride, "padding": self.padding, **changed}
        return (function or self.pool)(given.pop("image", self.image), self.size, **given)

    def suspects(self, other: PoolingKind, swapped: Callable[..., np.ndarray]) -> Iterable[Suspect]:
        yield Suspect(f"it is {other} pooling", lambda: self.right(swapped))
        yield Suspect("the stride is ignored", lambda: self.right(stride=1))
        yield Suspect("the windows do not overlap as asked", lambda: self.right(stride=self.size))
        yield Suspect("the padding is forgotten", lambda: self.right(padding=0))
        shorter = "the last row and column of windows are left out (off by one)"
        yield Suspect(shorter, lambda: self.right()[..., :-1, :-1])
        if other == "average":
            yield Suspect("it takes the smallest number", lambda: -self.right(image=-self.image))
            yield Suspect("its maximum starts at 0", lambda: np.maximum(self.right(), 0))
        else:
            cells = self.size[0] * self.size[1]
            yield Suspect("each window is summed, not averaged", lambda: self.right() * cells)
