"""Measures one photo. Runs in a process of its own (`apart`), since decoders read what strangers made."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from grader.evidence.photos import Editing, Looks, Photo
from grader.photos.alike import SMALL
from grader.photos.decode import Decoded, decode
from grader.photos.editing import cloned_share, error_levels
from grader.photos.wall import look_at

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["VERSION", "Measured", "measure"]

#: Changes with every change of a measure, so that stored ones are not taken for it.
VERSION = 1
#: Measures are made at the size that was asked for, editing is looked for at up to twice of it.
_SIZE = 224
_LARGE = 448
_THUMB = 160
_DARK, _BRIGHT = 0.12, 0.98


@dataclass(frozen=True)
class Measured:
    """A photo's record, without its name, and what is kept beside it.

    Attributes:
        hash: Perceptual hash of 64 bits, and that of the mirrored picture, in hex.
        copy: `SMALL` x `SMALL` x 3 bytes, by which photos are compared.
        small: A JPEG for contact sheets, without metadata.
    """

    photo: Photo
    hash: str
    mirrored: str
    copy: bytes
    small: bytes


def measure(raw: bytes) -> Measured:
    """Looks at a photo.

    Raises:
        Unreadable: The bytes are no picture.
        NotRead: They are one of a size that we do not open.
    """
    import imagehash
    from PIL import Image

    found = decode(raw)
    height, width = found.pixels.shape[:2]
    image = _fitted(Image.fromarray(found.pixels), _LARGE)
    photo = Photo(
        name="",
        sha256=hashlib.sha256(raw).hexdigest(),
        size_bytes=len(raw),
        format=found.format,
        width=width,
        height=height,
        mode=found.mode,
        turned=found.turned,
        pixels=hashlib.sha256(f"{width}x{height}".encode() + found.pixels.tobytes()).hexdigest(),
        metadata=found.metadata,
        looks=_looks(image, found),
    )
    copy = image.resize((SMALL, SMALL), Image.Resampling.BOX)
    small = _fitted(image, _THUMB)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    flipped = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return Measured(
        photo,
        hash=str(imagehash.phash(image)),
        mirrored=str(imagehash.phash(flipped)),
        copy=copy.tobytes(),
        small=buffer.getvalue(),
    )


def _fitted(image: Image.Image, size: int) -> Image.Image:
    """No side longer than `size`, nothing enlarged."""
    scale = size / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), reducing_gap=3.0)


def _looks(image: Image.Image, found: Decoded) -> Looks:
    from skimage import measure as shapes

    rgb = np.asarray(_fitted(image, _SIZE), dtype=np.float64) / 255
    grey = _grey(rgb)
    if min(grey.shape) < 16:
        rgb, grey = (np.pad(each, [(0, 16), (0, 16), (0, 0)][: each.ndim], "edge") for each in (rgb, grey))
    scene = look_at(rgb, grey)
    large = np.asarray(_fitted(image, _LARGE))
    low, high = np.percentile(grey, [2, 98])
    editing = Editing(
        software=found.software,
        error_levels=error_levels(large) if min(large.shape[:2]) >= 64 else 0.0,
        cloned=cloned_share(_grey(large.astype(np.float64) / 255)) if min(large.shape[:2]) >= 64 else 0.0,
    )
    return Looks(
        sharpness=round(1 - float(shapes.blur_effect(grey)), 4),
        brightness=round(float(np.median(grey)), 4),
        dark=round(float((grey < _DARK).mean()), 4),
        bright=round(float((grey > _BRIGHT).mean()), 4),
        contrast=round(float(high - low), 4),
        wall=round(scene.wall, 4),
        wall_spread=round(scene.spread, 3),
        wall_edges=round(scene.edges, 4),
        hand=scene.hand,
        editing=editing,
    )


def _grey(rgb: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    grey: npt.NDArray[np.floating] = rgb @ np.array([0.299, 0.587, 0.114])
    return grey
