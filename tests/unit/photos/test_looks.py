"""What is measured on a photo, against photos of which it is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from grader.evidence.photos import Looks
from grader.facts.photos import Limits, hints_of
from grader.photos.measure import measure
from tests.photo_class import jpeg


def looks(image: Image.Image, quality: int = 92) -> Looks:
    found = measure(jpeg(image, quality)).photo.looks
    assert found is not None
    return found


def noticed(image: Image.Image, quality: int = 92) -> set[str]:
    return {hint.about for hint in hints_of(measure(jpeg(image, quality)).photo, Limits())}


def under_uneven_light(image: Image.Image) -> Image.Image:
    shade = (
        np.linspace(1.0, 0.7, image.width)[None, :, None]
        * np.linspace(1.0, 0.85, image.height)[:, None, None]
    )
    return Image.fromarray((np.asarray(image) * shade).astype(np.uint8))


def on_a_dark_wall(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image).astype(int)
    wall = (np.abs(pixels - pixels[3, 3]).max(axis=2) < 14)[..., None]
    return Image.fromarray(np.where(wall, pixels - 130, pixels).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        under_uneven_light,
        lambda image: image.resize((209, 224)),
        lambda image: image.resize((900, 900), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    ],
    ids=["as it is", "uneven light", "narrow", "large", "a little darker"],
)
def test_of_a_right_photo_nothing_is_noticed(
    photos: list[Image.Image], change: Callable[[Image.Image], Image.Image]
) -> None:
    assert [noticed(change(photo)) for photo in photos] == [set()] * len(photos)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(4)), "blurred"),
        (lambda image: image.point(lambda value: round(value * 0.2)), "dark"),
        (lambda image: image.point(lambda value: min(255, round(value * 1.7))), "bright"),
        (lambda image: Image.new("RGB", image.size, (231, 230, 228)), "hand"),
    ],
    ids=["blurred", "dark", "overexposed", "nothing but a wall"],
)
def test_what_is_wrong_is_noticed(
    photos: list[Image.Image], change: Callable[[Image.Image], Image.Image], about: str
) -> None:
    assert all(about in noticed(change(photo)) for photo in photos)


def test_things_behind_the_hand_are_a_background(photos: list[Image.Image]) -> None:
    photo = photos[0].copy()
    draw = ImageDraw.Draw(photo)
    for top in range(8, 200, 40):
        draw.rectangle((0, top, 45, top + 20), fill=(40 + top // 2, 90, 160 - top // 2))
    assert noticed(photo) >= {"background"}
    assert looks(photo).wall_spread > 3 * looks(photos[0]).wall_spread


def test_the_hand_is_found_where_it_is_whatever_the_wall(photos: list[Image.Image]) -> None:
    for change in (lambda image: image, under_uneven_light, on_a_dark_wall):
        hand = looks(change(photos[0])).hand
        assert hand is not None
        assert 0.4 < hand.x < 0.6
        assert 0.08 < hand.area < 0.35
    moved = Image.new("RGB", photos[0].size, photos[0].getpixel((3, 3)))
    moved.paste(photos[0], (64, 0))
    before, after = looks(photos[0]).hand, looks(moved).hand
    assert before is not None and after is not None
    assert after.x - before.x == pytest.approx(64 / 224, abs=0.05)
    assert "hand" in noticed(moved)


def test_a_part_that_was_copied_is_found(photos: list[Image.Image]) -> None:
    for photo in photos:
        before = jpeg(photo, 96)
        copied = photo.copy()
        copied.paste(photo.crop((84, 112, 144, 184)), (5, 9))
        assert looks(copied, 96).editing.cloned > Limits().cloned
        assert measure(before).photo.looks.editing.cloned < 0.002  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("software", "edits"),
    [("Adobe Photoshop 26.1 (Windows)", True), ("GIMP 3.0", True), ("17.2.1", False), ("HDR+ 1.0.5", False)],
)
def test_an_editor_in_the_metadata_is_noticed_a_phone_is_not(
    photos: list[Image.Image], software: str, edits: bool
) -> None:
    exif = Image.Exif()
    exif[0x0131] = software
    photo = measure(jpeg(photos[0], exif=exif)).photo
    assert photo.metadata == ("EXIF",)
    assert ("edited" in {hint.about for hint in hints_of(photo, Limits())}) == edits


@pytest.mark.parametrize("side", [1, 5, 40, 2000])
def test_photos_of_any_size_are_measured(photos: list[Image.Image], side: int) -> None:
    photo = measure(jpeg(photos[0].resize((side, side)))).photo
    assert (photo.width, photo.height) == (side, side)
    assert photo.looks is not None
