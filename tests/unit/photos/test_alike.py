"""Which photos are found to be the same picture, and which are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from grader.photos.alike import SMALL, Fingerprint, find_alike
from grader.photos.measure import measure
from grader.samples.datasets.gestures import draw_looks, draw_photos
from tests.photo_class import jpeg


def fingerprint(student: str, name: str, raw: bytes) -> Fingerprint:
    found = measure(raw)
    return Fingerprint(
        student,
        name,
        found.photo.sha256,
        found.photo.pixels,
        int(found.hash, 16),
        int(found.mirrored, 16),
        np.frombuffer(found.copy, np.uint8).reshape(SMALL, SMALL, 3),
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((150, 150)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
        lambda image: ImageEnhance.Contrast(image).enhance(1.2),
        lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ],
    ids=["smaller", "darker", "more contrast", "mirrored"],
)
def test_a_copy_is_found_on_both_sides(
    photos: list[Image.Image], change: Callable[[Image.Image], Image.Image]
) -> None:
    one = fingerprint("s101", "a.jpg", jpeg(photos[0]))
    other = fingerprint("s102", "b.jpg", jpeg(change(photos[0]), 85))
    (mine,), (theirs,) = find_alike([one, other])
    assert (mine.how, mine.whose) == (theirs.how, theirs.whose) == ("shows", "another")
    assert mine.picture == other.sha256[:16]


def test_the_same_file_the_same_pixels_and_the_same_picture_are_told_apart(photos: list[Image.Image]) -> None:
    exif = Image.Exif()
    exif[0x010E] = "the same pixels in another file"
    raws = [jpeg(photos[0]), jpeg(photos[0]), jpeg(photos[0], exif=exif), jpeg(photos[0], 80)]
    found = find_alike([fingerprint("s101", f"{n}.jpg", raw) for n, raw in enumerate(raws)])
    assert {each.picture: each.how for each in found[0]} == {
        "1.jpg": "bytes",
        "2.jpg": "pixels",
        "3.jpg": "shows",
    }


def test_known_pictures_are_found_and_not_compared_with_each_other(photos: list[Image.Image]) -> None:
    raw = jpeg(photos[0])
    mine, *known = find_alike([fingerprint(student, "a.jpg", raw) for student in ("s101", "", "")])
    assert [each.whose for each in mine] == ["known", "known"]
    assert [len(each) for each in known] == [1, 1]


def test_takes_of_one_sign_are_not_the_same_picture() -> None:
    rng = np.random.default_rng(3)
    looks = draw_looks(rng, 8)
    prints = [
        fingerprint(str(place // 3), f"{letter}{place}", jpeg(pixels))
        for letter in "BD"
        for place, pixels in enumerate(draw_photos(rng, letter, looks))
    ]
    assert [each for each in find_alike(prints) if each] == []


def test_of_nothing_nothing_is_found() -> None:
    assert find_alike([]) == []
