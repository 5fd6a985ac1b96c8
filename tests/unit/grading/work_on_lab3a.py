"""Lab 3 Part A: photos as asked for, and photos with everything wrong with them that can be."""

from __future__ import annotations

from grader.evidence.photos import Alike, Photo, PhotoSet
from tests.factories import photo
from tests.unit.grading.handed_in import Work

__all__ = ["work"]


def work(*, right: bool) -> Work:
    return Work(code={}, photos=PhotoSet(photos=tuple(_right() if right else _wrong())))


def _right() -> list[Photo]:
    return [photo(f"1001234567_{letter}_{take}.jpg") for letter in "ABCDEFGHI" for take in (1, 2, 3)]


def _wrong() -> list[Photo]:
    dark = {"sharpness": 0.1, "brightness": 0.1, "wall_spread": 40.0, "wall_edges": 0.2, "hand": None}
    copied = Alike(how="shows", whose="another", picture="0123456789abcdef", likeness=0.999)
    edited = {**dark, "editing": {"software": "GIMP", "error_levels": 9.0, "cloned": 0.1}}
    return [
        photo("IMG_1.jpg", state="unreadable", why="image file is truncated"),
        photo("A/IMG_2.jpg", width=209, looks=dark, alike=(copied,)),
        photo("B/IMG_3.jpg", format="HEIF", mode="RGBA", looks=edited),
    ]
