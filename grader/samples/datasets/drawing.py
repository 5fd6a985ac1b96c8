"""Draws simple shapes on a whole batch of small pictures at once.

Coordinates run from 0 to 1, x to the right and y down; every function takes one value for each picture and
gives coverage between 0 (outside) and 1 (inside), with a soft edge about one pixel wide.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Grid", "evenly", "in_parts", "paint", "to_bytes"]

Floats = npt.NDArray[np.floating]


def evenly(count: int, classes: int) -> list[int]:
    """How many of each class there are where `count` is shared among them; the first have one more."""
    return [count // classes + (place < count % classes) for place in range(classes)]


def in_parts(count: int, most: int = 5000) -> list[int]:
    """How many to draw at once, part by part, so that a large set needs no more memory than a small one."""
    return [min(most, count - done) for done in range(0, count, most)]


def paint(pictures: Floats, coverage: Floats, colours: Floats) -> None:
    """Lays a colour over the covered part of each picture, in place.

    Args:
        pictures: (N, S, S, 3) in [0, 1].
        coverage: (N, S, S) in [0, 1].
        colours: (N, 3) in [0, 1].
    """
    mask = coverage[..., None]
    pictures *= 1 - mask
    pictures += mask * colours[:, None, None, :]


def to_bytes(pictures: Floats) -> npt.NDArray[np.uint8]:
    """Rounds values in [0, 1] to bytes; what lies outside is clipped."""
    return np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)


class Grid:
    """Pixel centres of a square picture, and shapes measured on them.

    Args:
        size: Pixels along one side.
    """

    def __init__(self, size: int) -> None:
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.size = size
        self.x: Floats = np.broadcast_to(centres[None, None, :], (1, size, size))
        self.y: Floats = np.broadcast_to(centres[None, :, None], (1, size, size))

    def ellipse(self, centres: Floats, radii: Floats) -> Floats:
        """Upright ellipses; `centres` and `radii` are (N, 2) as x, y."""
        across = (self.x - _each(centres[:, 0])) / _each(radii[:, 0])
        down = (self.y - _each(centres[:, 1])) / _each(radii[:, 1])
        distance = (np.hypot(across, down) - 1) * _each(radii.min(axis=1))
        return self._soft(distance)

    def stroke(self, starts: Floats, ends: Floats, widths: Floats) -> Floats:
        """Straight lines with round ends; `starts` and `ends` are (N, 2), `widths` (N,)."""
        along = ends - starts
        squared = np.maximum((along**2).sum(axis=1), 1e-12)
        across_x, across_y = self.x - _each(starts[:, 0]), self.y - _each(starts[:, 1])
        share = (across_x * _each(along[:, 0]) + across_y * _each(along[:, 1])) / _each(squared)
        share = np.clip(share, 0, 1)
        distance = np.hypot(across_x - share * _each(along[:, 0]), across_y - share * _each(along[:, 1]))
        return self._soft(distance - _each(widths) / 2)

    def triangle(self, a: Floats, b: Floats, c: Floats) -> Floats:
        """Filled triangles with corners (N, 2), clockwise on the picture."""
        edges = [self._beyond(a, b), self._beyond(b, c), self._beyond(c, a)]
        return self._soft(np.maximum.reduce(edges))

    def _beyond(self, start: Floats, end: Floats) -> Floats:
        """Distance of each pixel to the left of a directed edge, negative on its right."""
        along = end - start
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
        cross = _each(along[:, 1]) * (self.x - _each(start[:, 0])) - _each(along[:, 0]) * (
            self.y - _each(start[:, 1])
        )
        return cross / _each(length)

    def _soft(self, distance: Floats) -> Floats:
        coverage: Floats = np.clip(0.5 - distance * self.size, 0, 1).astype(np.float32)
        return coverage


def _each(values: Floats) -> Floats:
    """Lines up one value for each picture with its pixels: (N,) to (N, 1, 1)."""
    return values[:, None, None]
