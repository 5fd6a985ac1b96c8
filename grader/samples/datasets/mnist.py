"""A stand-in for MNIST in its own file format: digits drawn as pen strokes, moved, turned and slanted.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", for the IDX format: a
magic number, the sizes as big-endian integers, then the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grader.files.whole import write_whole
from grader.samples.datasets.drawing import Floats, Grid, evenly, in_parts, to_bytes

__all__ = ["write_mnist"]

_SIZE = 28
_SEED = 1998
_SPLITS = ("train", "t10k")
_SIZES = (2500, 1000)
_UNSIGNED_BYTE = 0x08


def _arc(x: float, y: float, radii: tuple[float, float], degrees: tuple[float, float]) -> list[list[float]]:
    """Points along an ellipse, from one angle to another; 0 is to the right, 90 down."""
    angles = np.radians(np.linspace(*degrees, 9))
    return [[x + radii[0] * float(np.cos(angle)), y + radii[1] * float(np.sin(angle))] for angle in angles]


#: Each digit's strokes as lines through points, in a unit square with y down.
_STROKES: tuple[list[list[list[float]]], ...] = (
    [_arc(0.5, 0.5, (0.24, 0.36), (0, 360))],
    [[[0.4, 0.26], [0.54, 0.14], [0.54, 0.86]]],
    [[*_arc(0.5, 0.34, (0.22, 0.2), (190, 400)), [0.28, 0.86], [0.74, 0.86]]],
    [_arc(0.46, 0.32, (0.22, 0.18), (200, 450)), _arc(0.46, 0.68, (0.25, 0.18), (270, 520))],
    [[[0.6, 0.86], [0.6, 0.14], [0.26, 0.62], [0.76, 0.62]]],
    [[[0.7, 0.14], [0.36, 0.14], [0.33, 0.46], *_arc(0.46, 0.64, (0.24, 0.22), (240, 510))]],
    [[[0.62, 0.14], [0.38, 0.4], *_arc(0.5, 0.66, (0.22, 0.2), (180, 540))]],
    [[[0.26, 0.14], [0.74, 0.14], [0.44, 0.86]]],
    [_arc(0.5, 0.32, (0.19, 0.18), (0, 360)), _arc(0.5, 0.68, (0.23, 0.18), (0, 360))],
    [_arc(0.5, 0.34, (0.21, 0.2), (0, 360)), [[0.71, 0.34], [0.68, 0.6], [0.56, 0.86]]],
)


def write_mnist(directory: Path, sizes: Sequence[int] = _SIZES) -> Path:
    """Writes training and test digits below `directory`; equal bytes every time.

    Args:
        directory: Root to give to ``torchvision.datasets.MNIST``; made where it is missing.
        sizes: How many digits for training and for test, each of the ten as often as the next.

    Returns:
        The folder of IDX files.
    """
    folder = directory / "MNIST" / "raw"
    rng = np.random.default_rng(_SEED)
    for split, count in zip(_SPLITS, sizes, strict=True):
        pictures, labels = _draw_split(rng, count)
        write_whole(folder / f"{split}-images-idx3-ubyte", _idx(pictures))
        write_whole(folder / f"{split}-labels-idx1-ubyte", _idx(labels))
    return folder


def _draw_split(rng: np.random.Generator, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draws about as many of each digit: pictures (N, 28, 28), white on black, and labels (N,), shuffled."""
    each = evenly(count, len(_STROKES))
    pictures = np.concatenate(
        [
            _draw_digit(rng, strokes, part)
            for strokes, number in zip(_STROKES, each, strict=True)
            for part in in_parts(number)
        ]
    )
    labels = np.repeat(np.arange(len(_STROKES), dtype=np.uint8), each)
    order = rng.permutation(len(labels))
    return pictures[order], labels[order]


def _draw_digit(
    rng: np.random.Generator, strokes: list[list[list[float]]], count: int
) -> npt.NDArray[np.uint8]:
    grid, ink = Grid(_SIZE), np.zeros((count, _SIZE, _SIZE), dtype=np.float32)
    hands = _draw_hands(rng, count)
    widths = rng.uniform(0.07, 0.13, count).astype(np.float32)
    for stroke in strokes:
        for start, end in pairwise(hands.place(np.array(stroke, dtype=np.float32))):
            np.maximum(ink, grid.stroke(start, end, widths), out=ink)
    return to_bytes(ink * rng.uniform(0.8, 1, (count, 1, 1)).astype(np.float32))


@dataclass(frozen=True)
class _Hands:
    """How each writer turns, slants, stretches and moves a digit.

    Attributes:
        maps: (N, 2, 2) linear maps about the centre of the square.
        centres: (N, 2) where the centre goes.
    """

    maps: Floats
    centres: Floats

    def place(self, points: Floats) -> Floats:
        """Where each writer puts points (P, 2): (P, N, 2)."""
        placed: Floats = np.einsum("nij,pj->pni", self.maps, points - 0.5) + self.centres
        return placed


def _draw_hands(rng: np.random.Generator, count: int) -> _Hands:
    turn, slant = rng.normal(0, 0.12, (2, count))
    width, height = rng.uniform(0.7, 0.95, (2, count))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shaped = np.array([[width, slant], [np.zeros(count), height]])
    maps = np.einsum("ijn,jkn->nik", turned, shaped).astype(np.float32)
    return _Hands(maps, rng.normal(0.5, 0.03, (count, 2)).astype(np.float32))


def _idx(array: npt.NDArray[np.uint8]) -> bytes:
    magic = struct.pack(">HBB", 0, _UNSIGNED_BYTE, array.ndim)
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
