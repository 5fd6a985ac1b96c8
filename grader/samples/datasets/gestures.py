"""A stand-in for the class's gesture photos: drawn hands that sign the letters A to I before a white wall.

Each hand has its own skin colour, size and place, and belongs to one split only, as in the real set: the
test set shows hands that nobody trained on.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from grader.errors import UsageError
from grader.files.whole import write_whole
from grader.samples.datasets.drawing import Floats, Grid, paint, to_bytes

__all__ = ["LETTERS", "draw_looks", "draw_photos", "write_gestures"]

LETTERS = "ABCDEFGHI"
_SIZE = 224
_SEED = 360
_TAKES = 3
_SPLITS = ("train", "val", "test")
#: Photos of one hand.
_OF_A_HAND = _TAKES * len(LETTERS)
_SIZES = tuple(_OF_A_HAND * hands for hands in (4, 2, 2))
#: Hands drawn at once: a photo of 224 x 224 takes some MB while it is drawn.
_MOST_HANDS = 16
_JPEG_QUALITY = 85

#: How far thumb, index, middle, ring and little finger are stretched, and whether the hand lies sideways.
_POSES: dict[str, tuple[tuple[float, float, float, float, float], bool]] = {
    "A": ((0.6, 0, 0, 0, 0), False),
    "B": ((0, 1, 1, 1, 1), False),
    "C": ((1, 0.5, 0.5, 0.5, 0.5), False),
    "D": ((0.5, 1, 0, 0, 0), False),
    "E": ((0, 0.2, 0.2, 0.2, 0.2), False),
    "F": ((0.7, 0, 1, 1, 1), False),
    "G": ((0.8, 1, 0, 0, 0), True),
    "H": ((0, 1, 1, 0, 0), True),
    "I": ((0, 0, 0, 0, 1), False),
}
#: Direction of each finger in degrees from straight up, and where it begins, in palm widths.
_DIRECTIONS = (-65.0, -14.0, -4.0, 6.0, 18.0)
_ROOTS = ((-0.8, 0.1), (-0.7, -0.75), (-0.24, -0.9), (0.24, -0.85), (0.68, -0.7))


@dataclass(frozen=True)
class _Hands:
    """A batch of photos of one sign: (N, ...) each.

    Attributes:
        skin: (N, 3) colours.
        palms: (N, 2) centres.
        widths: (N,) half the width of a palm.
        turns: (N,) radians.
    """

    skin: Floats
    palms: Floats
    widths: Floats
    turns: Floats


def write_gestures(directory: Path, sizes: Sequence[int] = _SIZES) -> Path:
    """Writes photos as JPEG files of 224 x 224; equal bytes every time.

    Folders are ``train``, ``val`` and ``test``, ``small`` (3 photos of each letter of those in ``train``, to
    overfit on) and ``all``, each with a folder for each letter.

    Args:
        directory: Made where it is missing.
        sizes: How many photos for training, validation and test: 27 of each hand, 3 of each letter.

    Returns:
        `directory`.

    Raises:
        UsageError: A part of a hand is asked for.
    """
    rng = np.random.default_rng(_SEED)
    hand_number = 0
    for split, size in zip(_SPLITS, sizes, strict=True):
        hands = _hands_for(size)
        looks = draw_looks(rng, hands)
        for letter in LETTERS:
            for position, photo in enumerate(_photos(rng, letter, looks)):
                name = f"{hand_number + position // _TAKES:03d}_{letter}_{position % _TAKES + 1}.jpg"
                for folder in _folders(split, position):
                    write_whole(directory / folder / letter / name, photo)
        hand_number += hands
    return directory


def _hands_for(size: int) -> int:
    hands, more = divmod(size, _OF_A_HAND)
    if more or not hands:
        raise UsageError(
            f"{size} photos are no whole number of hands",
            expected=f"a multiple of {_OF_A_HAND}: {_TAKES} photos of each letter of each hand",
            todo=f"take {_OF_A_HAND * max(1, round(size / _OF_A_HAND))}",
        )
    return hands


def _photos(rng: np.random.Generator, letter: str, looks: tuple[Floats, Floats]) -> Iterator[bytes]:
    """All photos of a letter as JPEG, some hands at a time."""
    for first in range(0, len(looks[1]), _MOST_HANDS):
        some = (looks[0][first : first + _MOST_HANDS], looks[1][first : first + _MOST_HANDS])
        yield from map(_jpeg, draw_photos(rng, letter, some))


def _folders(split: str, position: int) -> Iterator[str]:
    yield split
    yield "all"
    if split == "train" and position < _TAKES:
        yield "small"


def draw_looks(rng: np.random.Generator, hands: int) -> tuple[Floats, Floats]:
    """Skin colours (hands, 3) and palm widths (hands,)."""
    shade = rng.uniform(0.45, 1.0, (hands, 1))
    skin = np.array([0.93, 0.72, 0.58]) * shade + rng.normal(0, 0.02, (hands, 3))
    return skin.astype(np.float32), rng.uniform(0.13, 0.16, hands).astype(np.float32)


def draw_photos(
    rng: np.random.Generator, letter: str, looks: tuple[Floats, Floats], *, takes: int = _TAKES
) -> npt.NDArray[np.uint8]:
    """Photographs each hand a few times, hand by hand.

    Args:
        rng: Places hands and chooses walls.
        letter: One of `LETTERS`.
        looks: As `draw_looks` gives them.
        takes: Photos of each hand.

    Returns:
        (takes times hands, 224, 224, 3).
    """
    skin, widths = (np.repeat(look, takes, axis=0) for look in looks)
    count = len(widths)
    stretched, sideways = _POSES[letter]
    hands = _Hands(
        skin=skin,
        palms=rng.normal((0.5, 0.6), 0.025, (count, 2)).astype(np.float32),
        widths=widths,
        turns=(rng.normal(0, 0.08, count) - (np.pi / 2 if sideways else 0)).astype(np.float32),
    )
    wall = rng.uniform(0.86, 0.97, (count, 1, 1, 1)).astype(np.float32)
    photos: Floats = np.broadcast_to(wall, (count, _SIZE, _SIZE, 3)).copy()
    _paint_hands(photos, hands, stretched)
    photos += rng.standard_normal(photos.shape, dtype=np.float32) * 0.01
    return to_bytes(photos)


def _paint_hands(photos: Floats, hands: _Hands, stretched: tuple[float, ...]) -> None:
    grid = Grid(_SIZE)
    radii = hands.widths[:, None] * np.array([1.0, 1.1], dtype=np.float32)
    wrist = _placed(hands, (0.0, 3.5))
    paint(photos, grid.stroke(hands.palms, wrist, hands.widths * 1.3), hands.skin * 0.94)
    paint(photos, grid.ellipse(hands.palms, radii), hands.skin)
    for root, degrees, length in zip(_ROOTS, _DIRECTIONS, stretched, strict=True):
        angle = np.radians(degrees)
        reach = 0.25 + 1.6 * length
        tip = (root[0] + reach * float(np.sin(angle)), root[1] - reach * float(np.cos(angle)))
        finger = grid.stroke(_placed(hands, root), _placed(hands, tip), hands.widths * 0.42)
        paint(photos, finger, hands.skin * (0.9 if length < 0.5 else 0.97))


def _placed(hands: _Hands, point: tuple[float, float]) -> Floats:
    """Where a point given in palm widths about the palm's centre lies on each photo: (N, 2)."""
    cosine, sine = np.cos(hands.turns), np.sin(hands.turns)
    turned = np.stack([cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1]], axis=1)
    placed: Floats = (hands.palms + hands.widths[:, None] * turned).astype(np.float32)
    return placed


def _jpeg(photo: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
