"""A stand-in for CIFAR-10 in torchvision's on-disk format: many drawn cats and dogs, few of the rest.

The counts of cats and dogs are those of the real set, since labs ask for them; the other classes are few,
since students' code often looks at every picture. Cats have pointed ears and dogs hanging ones, and fur
colours overlap, so that a network has to learn and can.

Source: "CIFAR-10 python version", https://www.cs.toronto.edu/~kriz/cifar.html, for the layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grader.files.whole import write_whole
from grader.samples.datasets.drawing import Floats, Grid, evenly, in_parts, paint, to_bytes
from grader.samples.datasets.python2_pickle import Python2Value, dumps

__all__ = ["CLASSES", "count_per_class", "write_cifar10"]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CAT, _DOG = CLASSES.index("cat"), CLASSES.index("dog")
_SIZE = 32
_BATCHES = 5
_SEED = 20100
#: Standard deviation of the pixels; enough that a small net errs on one picture in ten.
_NOISE = 0.25


def write_cifar10(directory: Path, sizes: Sequence[int] | None = None) -> Path:
    """Writes the stand-in below `directory`; equal bytes every time.

    Args:
        directory: Root to give to ``torchvision.datasets.CIFAR10``; made where it is missing.
        sizes: How many pictures for training and for test, each class as often as the next, as in the real
            set; `count_per_class` where it is None.

    Returns:
        The folder of batches.
    """
    folder = directory / "cifar-10-batches-py"
    rng = np.random.default_rng(_SEED)
    train, test = _counts(sizes)
    train_pictures, train_labels = _draw_split(rng, train)
    test_pictures, test_labels = _draw_split(rng, test)
    for number, part in enumerate(np.array_split(np.arange(len(train_labels)), _BATCHES), start=1):
        name = f"training batch {number} of {_BATCHES}"
        _write_batch(folder / f"data_batch_{number}", name, train_pictures[part], train_labels[part])
    _write_batch(folder / "test_batch", "testing batch 1 of 1", test_pictures, test_labels)
    meta: dict[bytes, Python2Value] = {
        b"label_names": [name.encode() for name in CLASSES],
        b"num_cases_per_batch": len(train_labels) // _BATCHES,
        b"num_vis": 3 * _SIZE * _SIZE,
    }
    write_whole(folder / "batches.meta", dumps(meta))
    return folder


def count_per_class(*, train: bool) -> npt.NDArray[np.int64]:
    """Pictures of each class, in the order of `CLASSES`."""
    counts = np.full(len(CLASSES), 40 if train else 10)
    counts[[_CAT, _DOG]] = 5000 if train else 1000
    return counts


def _counts(sizes: Sequence[int] | None) -> list[list[int]]:
    """Pictures of each class, for training and for test."""
    if sizes is None:
        return [count_per_class(train=train).tolist() for train in (True, False)]
    return [evenly(size, len(CLASSES)) for size in sizes]


def _draw_split(
    rng: np.random.Generator, counts: Sequence[int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Draws and shuffles one split: pictures (N, 3072), channel by channel as on disk, and labels (N,)."""
    drawn = [_draw_class(rng, label, part) for label, count in enumerate(counts) for part in in_parts(count)]
    labels = np.repeat(np.arange(len(CLASSES)), counts)
    order = rng.permutation(len(labels))
    flat = np.concatenate(drawn).transpose(0, 3, 1, 2).reshape(len(labels), -1)
    return flat[order], labels[order]


def _draw_class(rng: np.random.Generator, label: int, count: int) -> npt.NDArray[np.uint8]:
    pictures = _backgrounds(rng, count)
    if label in (_CAT, _DOG):
        _draw_head(rng, pictures, pointed_ears=label == _CAT)
    else:
        _draw_blob(rng, pictures, label)
    pictures += rng.standard_normal(pictures.shape, dtype=np.float32) * _NOISE
    return to_bytes(pictures)


def _backgrounds(rng: np.random.Generator, count: int) -> Floats:
    """Smooth blends from one random colour at the top to another at the bottom."""
    top, bottom = rng.uniform(0.1, 0.9, (2, count, 1, 1, 3)).astype(np.float32)
    share = np.linspace(0, 1, _SIZE, dtype=np.float32)[None, :, None, None]
    blend = top * (1 - share) + bottom * share
    return np.broadcast_to(blend, (count, _SIZE, _SIZE, 3)).copy()


def _draw_head(rng: np.random.Generator, pictures: Floats, *, pointed_ears: bool) -> None:
    count, grid = len(pictures), Grid(_SIZE)
    mean = (0.66, 0.5, 0.36) if pointed_ears else (0.54, 0.44, 0.38)
    fur = rng.normal(mean, 0.15, (count, 3)).astype(np.float32)
    centres = rng.normal((0.5, 0.56), 0.08, (count, 2)).astype(np.float32)
    radii = rng.uniform((0.22, 0.22), (0.3, 0.28), (count, 2)).astype(np.float32)
    for side in (-1, 1):
        ear = _pointed_ear if pointed_ears else _hanging_ear
        paint(pictures, ear(grid, centres, radii, side), fur * 0.7)
    paint(pictures, grid.ellipse(centres, radii), fur)
    dark = np.full((count, 3), 0.05, dtype=np.float32)
    for side in (-1, 1):
        eyes = centres + radii * np.array([0.4 * side, -0.2], dtype=np.float32)
        paint(pictures, grid.ellipse(eyes, radii * 0.14), dark)
    nose = centres + radii * np.array([0, 0.35], dtype=np.float32)
    paint(pictures, grid.ellipse(nose, radii * (0.12 if pointed_ears else 0.24)), dark)


def _pointed_ear(grid: Grid, centres: Floats, radii: Floats, side: int) -> Floats:
    inner = centres + radii * np.array([0.15 * side, -0.8], dtype=np.float32)
    tip = centres + radii * np.array([0.85 * side, -1.75], dtype=np.float32)
    outer = centres + radii * np.array([0.98 * side, -0.35], dtype=np.float32)
    return grid.triangle(inner, tip, outer) if side > 0 else grid.triangle(outer, tip, inner)


def _hanging_ear(grid: Grid, centres: Floats, radii: Floats, side: int) -> Floats:
    middle = centres + radii * np.array([1.05 * side, 0.1], dtype=np.float32)
    return grid.ellipse(middle, radii * np.array([0.3, 0.8], dtype=np.float32))


def _draw_blob(rng: np.random.Generator, pictures: Floats, label: int) -> None:
    """One ellipse, its colour and proportions set by the class."""
    count = len(pictures)
    hue = 2 * np.pi * label / len(CLASSES)
    colour = 0.5 + 0.4 * np.cos(hue - np.array([0.0, 2.1, 4.2]))
    colours = rng.normal(colour, 0.06, (count, 3)).astype(np.float32)
    centres = rng.normal(0.5, 0.06, (count, 2)).astype(np.float32)
    width = 0.16 + 0.025 * label
    radii = rng.normal((width, 0.5 - width), 0.02, (count, 2)).astype(np.float32)
    paint(pictures, Grid(_SIZE).ellipse(centres, np.maximum(radii, 0.05)), colours)


def _write_batch(
    path: Path, name: str, pictures: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]
) -> None:
    filenames = [f"{CLASSES[label]}_s_{index:06d}.png".encode() for index, label in enumerate(labels)]
    batch: dict[bytes, Python2Value] = {
        b"batch_label": name.encode(),
        b"labels": labels.tolist(),
        b"data": pictures,
        b"filenames": filenames,
    }
    write_whole(path, dumps(batch))
