"""A photo as the data set has it: turned, cut, resized, and written anew from its pixels alone."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from pydantic import Field

from grader.evidence.base import Record
from grader.evidence.photos import Photo
from grader.photos.decode import decode

__all__ = ["Crop", "Steps", "prepare", "steps_for"]

#: How much of a square picture may be cut away to bring the hand to its middle.
_LEAST_SIDE = 0.7
_ROOM = 1.15
_OFF = 0.06
_QUALITY = 95


class Crop(Record):
    """A square in pixels of the upright picture."""

    left: int = Field(ge=0)
    top: int = Field(ge=0)
    side: int = Field(gt=0)


class Steps(Record):
    """What was done to a photo, in this order.

    Attributes:
        turned: Turned or mirrored as its metadata asked.
        crop: What was cut out.
        size: Side to which that was resized.
        written: How it was written, without any metadata.
    """

    turned: bool
    crop: Crop
    size: int
    written: Literal["JPEG", "PNG"] = "JPEG"


def steps_for(photo: Photo, *, size: int, written: Literal["JPEG", "PNG"] = "JPEG") -> Steps:
    """What brings a photo's hand to the middle of a square.

    Of a photo that is no square as much as can be is kept; of a square one something is cut away only where
    the hand stands clearly aside, and never so much that the hand is cut.
    """
    shorter = min(photo.width, photo.height)
    hand = photo.looks.hand if photo.looks is not None else None
    if hand is None:
        return _steps(photo, photo.width / 2, photo.height / 2, shorter, size, written)
    across, down = (hand.left + hand.right) / 2, (hand.top + hand.bottom) / 2
    # An arm that comes from below or from a side is no part of the sign; where it ends says nothing.
    x = (hand.x if hand.at_left or hand.at_right else across) * photo.width
    y = (hand.y if hand.bottom > 0.97 else down) * photo.height
    needed = _ROOM * max((hand.right - hand.left) * photo.width, (hand.bottom - hand.top) * photo.height)
    side = shorter
    off = max(abs(x - photo.width / 2), abs(y - photo.height / 2)) / shorter
    if off > _OFF and photo.width == photo.height:
        room = 2 * min(x, y, photo.width - x, photo.height - y)
        side = round(min(shorter, max(room, needed, _LEAST_SIDE * shorter)))
    return _steps(photo, x, y, side, size, written)


def _steps(photo: Photo, x: float, y: float, side: int, size: int, written: Literal["JPEG", "PNG"]) -> Steps:
    left = round(min(max(x - side / 2, 0), photo.width - side))
    top = round(min(max(y - side / 2, 0), photo.height - side))
    return Steps(turned=photo.turned, crop=Crop(left=left, top=top, side=side), size=size, written=written)


def prepare(raw: bytes, steps: Steps) -> bytes:
    """Carries the steps out. Nothing but pixels goes over into what is written.

    Raises:
        Unreadable: The bytes are no picture.
        NotRead: They are one of a size that we do not open.
    """
    from PIL import Image

    crop = steps.crop
    found = decode(raw)
    cut = np.ascontiguousarray(
        found.pixels[crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
    )
    image = Image.fromarray(cut).resize((steps.size, steps.size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if steps.written == "PNG":
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
