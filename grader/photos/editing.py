"""Measures in which editing may show. Each has innocent causes, so that none is ever more than a hint."""

from __future__ import annotations

import io
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["cloned_share", "error_levels"]

Floats = npt.NDArray[np.floating]
Kind = TypeVar("Kind", bound=np.generic)

_BLOCK = 16
_QUALITY = 90
#: Spread of the loss over parts with as much detail that even a clear picture has.
_EVEN = 0.1
#: Pixels; copies nearer than this are no copies.
_NEAR = 24
_MOST_OFFSETS = 8
_JPEG_BLOCK = 8
#: Noise is compared in windows of so many pixels, where the picture has no edges.
_WINDOW = 15
_STEEP = 0.02
_NOISE_ALIKE = 0.55
_LEAST_NOISE = 0.002


def error_levels(rgb: npt.NDArray[np.uint8]) -> float:
    """How far the most unusual part lies from what its amount of detail makes usual.

    The picture is compressed once more. What was compressed less often, or otherwise, than the rest loses
    more or less than parts of the same picture with as much detail.

    Args:
        rgb: (height, width, 3).

    Returns:
        Largest deviation of 2 x 2 neighbouring blocks of 16 pixels, in robust standard deviations.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=_QUALITY)
    again = np.asarray(Image.open(buffer).convert("RGB"), dtype=np.float32)
    plain = rgb.astype(np.float32)
    loss = np.log(_blocks(np.abs(plain - again).mean(axis=2)) + 0.05)
    detail = np.log(_blocks(_detail(plain.mean(axis=2))) + 0.05)
    terms = np.stack([np.ones_like(detail), detail, detail**2], axis=-1).reshape(-1, 3)
    fitted = np.linalg.lstsq(terms, loss.ravel(), rcond=None)[0]
    away = (loss.ravel() - terms @ fitted).reshape(loss.shape)
    usual = 1.4826 * float(np.median(np.abs(away - np.median(away)))) + _EVEN
    four = (away[:-1, :-1] + away[1:, :-1] + away[:-1, 1:] + away[1:, 1:]) / 4
    return round(float(np.abs(four - np.median(away)).max(initial=0.0)) / usual, 3)


def _detail(grey: Floats) -> Floats:
    down, across = np.gradient(grey)
    detail: Floats = np.hypot(down, across)
    return detail


def _blocks(values: Floats) -> Floats:
    """Means of blocks; what is left over at the right and below is left out."""
    height, width = (size // _BLOCK for size in values.shape)
    whole = values[: height * _BLOCK, : width * _BLOCK]
    blocks: Floats = whole.reshape(height, _BLOCK, width, _BLOCK).mean(axis=(1, 3))
    return blocks


def cloned_share(grey: Floats) -> float:
    """Share of the picture that repeats another part of it, down to the noise.

    Fingers are alike in form, but no two places have the same noise. So the noise is laid over itself at
    every distance, and where much of it fits, both sides are compared place by place. Edges are left out: a
    straight one is like itself all along. Strong compression takes the noise away, and then nothing is found.

    Args:
        grey: (height, width), 0 to 1, not enlarged.
    """
    from scipy import ndimage

    noise = grey - ndimage.gaussian_filter(grey, 1.2)
    steep = ndimage.gaussian_gradient_magnitude(grey, 1.2)
    quiet = ndimage.maximum_filter(steep, 5) < _STEEP
    if quiet.sum() < _WINDOW**2:
        return 0.0
    areas = [_same_noise(noise, quiet, offset) for offset in _offsets(noise * quiet)]
    return round(max(areas, default=0) / grey.size, 4)


def _offsets(noise: Floats) -> list[tuple[int, int]]:
    """Distances, rows and columns, at which the noise is most like itself."""
    from scipy import fft, ndimage

    strength = np.sqrt(np.maximum(ndimage.uniform_filter(noise * noise, _WINDOW), 0)) + _LEAST_NOISE
    even = noise / strength
    size = [fft.next_fast_len(2 * length, real=True) for length in noise.shape]
    spectrum = fft.rfft2(even, size)
    against = fft.irfft2(np.abs(spectrum) ** 2, size)[: noise.shape[0]]
    against[:_NEAR, :_NEAR] = 0
    against[:_NEAR, -_NEAR:] = 0
    best = np.argpartition(against, -_MOST_OFFSETS, axis=None)[-_MOST_OFFSETS:]
    down, across = np.unravel_index(best, against.shape)
    across = np.where(across <= size[1] // 2, across, across - size[1])
    # What compression makes of an even wall repeats from block to block.
    return [(int(y), int(x)) for y, x in zip(down, across, strict=True) if y % _JPEG_BLOCK or x % _JPEG_BLOCK]


def _same_noise(noise: Floats, quiet: npt.NDArray[np.bool_], offset: tuple[int, int]) -> int:
    """Pixels about which the noise here and at this distance is the same."""
    from scipy import ndimage

    here, there = (_part(noise, offset, side) for side in (1, -1))
    both = _part(quiet, offset, 1) & _part(quiet, offset, -1)
    if both.sum() < _WINDOW**2:
        return 0
    one, other = here * both, there * both

    def mean(values: Floats) -> Floats:
        averaged: Floats = ndimage.uniform_filter(values, _WINDOW)
        return averaged

    # Running sums may come out a little under zero.
    strength = np.sqrt(np.maximum(mean(one * one), 0) * np.maximum(mean(other * other), 0))
    noisy = strength > (1.5 * _LEAST_NOISE) ** 2
    same = (mean(one * other) > _NOISE_ALIKE * strength) & noisy & (mean(both * 1.0) > 0.5)
    return int(same.sum())


def _part(values: npt.NDArray[Kind], offset: tuple[int, int], side: int) -> npt.NDArray[Kind]:
    """What of a picture has a partner at the offset, seen from here (1) or from there (-1)."""
    cut = []
    for length, move in zip(values.shape, offset, strict=True):
        low, high = max(0, -move * side), min(length, length - move * side)
        cut.append(slice(low, high))
    return values[tuple(cut)]
