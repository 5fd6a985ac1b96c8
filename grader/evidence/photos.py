"""What was measured on the photos that one student handed in; the photos themselves are kept elsewhere."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from grader.evidence.base import Record

__all__ = ["MOST_PHOTOS", "Alike", "Editing", "Hand", "LeftOut", "Looks", "Photo", "PhotoSet"]

#: Photos of one student that are looked at; who hands in more is told.
MOST_PHOTOS = 300


class Hand(Record):
    """What stands out from the wall, as shares of the picture.

    Attributes:
        left, top, right, bottom: Box about it, 0 to 1, x to the right and y down.
        x, y: Its centre of mass.
        area: Of the picture.
        at_left, at_top, at_right: Share of that edge of the picture that it covers.
    """

    left: float
    top: float
    right: float
    bottom: float
    x: float
    y: float
    area: float
    at_left: float = 0.0
    at_top: float = 0.0
    at_right: float = 0.0


class Editing(Record):
    """Measures in which editing may show; none of them proves it.

    Attributes:
        software: What the file's own metadata name as having written it, as they write it.
        error_levels: How far the loss by another compression of the most unusual part of the picture lies
            above that of parts with as much detail, in their usual spread.
        cloned: Share of the picture that repeats another part of it, detail for detail.
    """

    software: str = ""
    error_levels: float = 0.0
    cloned: float = 0.0


class Looks(Record):
    """Measures of one picture, upright, in grey 0 to 1 where nothing else is said.

    Attributes:
        sharpness: Spread of detail at the edges that the picture has, 0 (smeared) to 1 (as sharp as can be).
        brightness: Median.
        dark, bright: Shares of pixels under 0.12 and over 0.98.
        contrast: Between the 2nd and the 98th percentile.
        wall: Median brightness of what is no hand, at the left, upper and right edge.
        wall_spread: How far colours there lie from a wall under even light, in units of CIELAB.
        wall_edges: Share of it in which something begins or ends.
        hand: None where nothing stands out.
    """

    sharpness: float
    brightness: float
    dark: float
    bright: float
    contrast: float
    wall: float
    wall_spread: float
    wall_edges: float
    hand: Hand | None = None
    editing: Editing = Editing()


class Alike(Record):
    """Another picture that this one is like.

    Attributes:
        how: By the file's bytes, by every pixel, or by what it shows.
        whose: Of the same student, of another one, or of pictures that the course knew before.
        picture: Its name, where it is the student's own; beginning of its digest for others, which names
            nobody.
        likeness: Correlation of both, made small, 0 to 1.
        mirrored: Left and right are exchanged.
    """

    how: Literal["bytes", "pixels", "shows"]
    whose: Literal["own", "another", "known"]
    picture: str
    likeness: float = 1.0
    mirrored: bool = False


class Photo(Record):
    """One file that is, or should be, a photo.

    Attributes:
        name: Path within what was handed in.
        sha256: Of the file's bytes; empty where they were not read.
        state: ``read``; ``unreadable`` where the bytes are no picture that can be opened; ``not_read`` where
            we gave up: too large, too slow, or a fault of ours.
        why: Of the last two, in words.
        format: As Pillow names what the bytes are, whatever the file is called: ``JPEG``, ``PNG``, ``HEIF``.
        width, height: Upright, in pixels.
        mode: As Pillow names it: ``RGB``, ``L``, ``CMYK``.
        turned: The file asks to be turned before it is shown (EXIF orientation).
        letter_of_name, letter_of_folder: What each says; empty where it says nothing.
        number_of_name: The student number in its name; empty where there is none.
        metadata: Kinds of metadata in the file: ``EXIF``, ``GPS``, ``XMP``, ``comment``.
    """

    name: str
    sha256: str = ""
    size_bytes: int = 0
    state: Literal["read", "unreadable", "not_read"] = "read"
    why: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    turned: bool = False
    letter_of_name: str = ""
    letter_of_folder: str = ""
    number_of_name: str = ""
    pixels: str = ""
    metadata: tuple[str, ...] = ()
    looks: Looks | None = None
    alike: tuple[Alike, ...] = Field(default=(), max_length=50)


class LeftOut(Record):
    """A file that was not taken as a photo, and why."""

    name: str
    why: str


class PhotoSet(Record):
    """What one student handed in as photos.

    Attributes:
        photos: In order of their names.
        left_out: Files that are no photos, and archives that could not be opened.
        cut: There were more photos, or archives that nobody could open: what is not here is not known.
        compared: Students whose photos these were compared with, and known pictures.
    """

    photos: tuple[Photo, ...] = Field(default=(), max_length=MOST_PHOTOS)
    left_out: tuple[LeftOut, ...] = Field(default=(), max_length=100)
    cut: bool = False
    compared: int = 0
    known: int = 0
