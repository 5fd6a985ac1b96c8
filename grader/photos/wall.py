"""The hand and the wall behind it, told by how far a pixel's colour lies from the wall's, not by skin.

Skin has every colour; the wall is asked to be plain. So the wall is estimated from the edges of the picture,
as a slow change of colour that light makes, and the hand is what differs from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.evidence.photos import Hand

__all__ = ["Scene", "look_at"]

Floats = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

#: Share of the picture's sides in which the wall is looked for: left, top and right; a wrist comes from
# below.
_RIM = 0.12
#: Least distance in CIELAB at which something is no wall under other light.
_LEAST = 11.0
#: Lightness counts less than hue: shadows are part of a wall.
_LIGHTNESS = 0.6
_SMALLEST = 0.015
_SAMPLE = 1500
_STEEP = 0.055


@dataclass(frozen=True)
class Scene:
    """What was found: the hand, where anything stands out; and the wall's look (see `Looks`)."""

    hand: Hand | None
    wall: float
    spread: float
    edges: float
    mask: Mask


def look_at(rgb: Floats, grey: Floats) -> Scene:
    """Parts hand and wall.

    Args:
        rgb: (height, width, 3), 0 to 1.
        grey: (height, width), 0 to 1.
    """
    from skimage import color, filters

    lab = color.rgb2lab(filters.gaussian(rgb, 1.0, channel_axis=2))
    rim = _rim(grey.shape)
    distance = _distance(lab, _wall(lab, rim))
    level = max(_LEAST, float(filters.threshold_otsu(distance)) * 0.8)
    mask = _largest(distance > level)
    clear = rim & ~_grown(mask)
    if clear.sum() < 50:
        clear = rim
    steep = filters.sobel(filters.gaussian(grey, 1.0)) > _STEEP
    spread = float(np.percentile(_distance(lab, _wall(lab, clear))[clear], 95))
    return Scene(
        hand=_hand(mask),
        wall=float(np.median(grey[clear])),
        spread=spread,
        edges=float(steep[clear].mean()),
        mask=mask,
    )


def _rim(shape: tuple[int, ...]) -> Mask:
    height, width = shape
    rim = np.zeros(shape, dtype=bool)
    across, down = max(2, round(width * _RIM)), max(2, round(height * _RIM))
    rim[:down] = True
    # What lies lowest may be the arm of a hand that comes from the side.
    rim[: round(height * 0.75), :across] = True
    rim[: round(height * 0.75), -across:] = True
    return rim


def _wall(lab: Floats, where: Mask) -> Floats:
    """The wall's colour at each pixel: its median, changing in each direction as light does."""
    height, width = where.shape
    y, x = np.mgrid[0:height, 0:width]
    terms = np.stack([np.ones_like(x), x / width - 0.5, y / height - 0.5], axis=-1).astype(float)
    # Some hundreds of places tell as much of a plane as all of them.
    every = max(1, int(where.sum()) // _SAMPLE)
    inside, wanted = terms[where][::every], lab[where][::every]
    near = np.ones(len(wanted), dtype=bool)
    fitted = np.median(wanted, axis=0) * np.array([[1.0], [0.0], [0.0]])
    for _ in range(4):
        off = np.linalg.norm(wanted - inside @ fitted, axis=1)
        near = off <= max(3.0, 2.5 * float(np.median(off)))
        if near.sum() < 30:
            break
        fitted = np.linalg.lstsq(inside[near], wanted[near], rcond=None)[0]
    wall: Floats = terms @ fitted
    return wall


def _distance(lab: Floats, wall: Floats) -> Floats:
    away = (lab - wall) * np.array([_LIGHTNESS, 1.0, 1.0])
    distance: Floats = np.linalg.norm(away, axis=2)
    return distance


def _largest(mask: Mask) -> Mask:
    """The largest piece that hangs together, its holes filled; nothing where it is too small for a hand."""
    from scipy import ndimage
    from skimage import measure, morphology

    opened = morphology.opening(mask, morphology.disk(2))
    pieces = measure.label(opened)
    sizes = np.bincount(pieces.ravel())[1:]
    if not len(sizes) or sizes.max() < _SMALLEST * mask.size:
        return np.zeros_like(mask)
    filled: Mask = ndimage.binary_fill_holes(pieces == 1 + int(sizes.argmax()))
    return filled


def _grown(mask: Mask) -> Mask:
    from scipy import ndimage

    grown: Mask = ndimage.binary_dilation(mask, iterations=max(2, mask.shape[0] // 40))
    return grown


def _hand(mask: Mask) -> Hand | None:
    if not mask.any():
        return None
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y, x = np.nonzero(mask)
    return Hand(
        left=_share(columns[0], width),
        top=_share(rows[0], height),
        right=_share(columns[-1] + 1, width),
        bottom=_share(rows[-1] + 1, height),
        x=_share(float(x.mean()) + 0.5, width),
        y=_share(float(y.mean()) + 0.5, height),
        area=_share(float(mask.sum()), mask.size),
        at_left=_share(float(mask[:, 0].sum()), height),
        at_top=_share(float(mask[0].sum()), width),
        at_right=_share(float(mask[:, -1].sum()), height),
    )


def _share(part: float, whole: float) -> float:
    return round(float(part) / float(whole), 4)
