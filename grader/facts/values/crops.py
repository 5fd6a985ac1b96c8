"""Where a piece of an image was cut out."""

from __future__ import annotations

import numpy as np

__all__ = ["found_in"]

_TRIED_PLACES = 2_000


def found_in(crop: np.ndarray, image: np.ndarray) -> tuple[int, int] | None:
    """Top and left of a crop within an image, by value; None where it is nowhere.

    Args:
        crop: (h, w, c), or (h, w) for one channel; c at most that of the image.
        image: (H, W, C).
    """
    piece = crop if crop.ndim == 3 else crop[..., np.newaxis]
    height, width, channels = piece.shape
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    if piece.size == 0 or rows < 1 or columns < 1 or channels > image.shape[2]:
        return None
    plane = image[..., :channels]
    corners = np.argwhere((plane[:rows, :columns] == piece[0, 0]).all(axis=-1))
    for top, left in corners[:_TRIED_PLACES]:
        if np.array_equal(plane[top : top + height, left : left + width], piece):
            return int(top), int(left)
    return None
