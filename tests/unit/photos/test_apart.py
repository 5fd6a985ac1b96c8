"""Photos are read in a process apart: what breaks it, or is none, costs one photo."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from grader.photos.apart import Apart
from grader.photos.decode import NotRead, Unreadable
from grader.photos.measure import measure
from grader.photos.prepare import Crop, Steps, prepare
from tests.photo_class import jpeg


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def written(image: Image.Image, form: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **more)
    return buffer.getvalue()


def test_it_measures_what_is_measured_here(apart: Apart, photos: list[Image.Image]) -> None:
    raw = jpeg(photos[0])
    assert apart.measure(raw) == measure(raw)


def test_it_prepares_what_is_prepared_here(apart: Apart, photos: list[Image.Image]) -> None:
    raw, steps = jpeg(photos[0]), Steps(turned=False, crop=Crop(left=10, top=0, side=200), size=64)
    assert apart.prepare(raw, steps) == prepare(raw, steps)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF"])
def test_the_bytes_say_what_a_photo_is(apart: Apart, photos: list[Image.Image], form: str) -> None:
    pillow_heif.register_heif_opener()
    photo = apart.measure(written(photos[0], form)).photo
    assert (photo.format, photo.width, photo.height) == (form, 224, 224)


@pytest.mark.parametrize(("mode", "form"), [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_colours_are_told(apart: Apart, photos: list[Image.Image], mode: str, form: str) -> None:
    assert apart.measure(written(photos[0].convert(mode), form)).photo.mode == mode


def test_a_photo_that_asks_to_be_turned_is_measured_upright(apart: Apart, photos: list[Image.Image]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = photos[0].resize((300, 200)).transpose(Image.Transpose.ROTATE_90)
    photo = apart.measure(jpeg(lying, exif=exif)).photo
    assert photo.turned
    assert (photo.width, photo.height) == (300, 200)


@pytest.mark.parametrize(
    "raw",
    [b"", b"no picture", b"\xff\xd8\xff" + bytes(500), b"\x89PNG\r\n\x1a\n", b"PK\x03\x04" + bytes(50)],
)
def test_what_is_no_picture_is_unreadable(apart: Apart, raw: bytes) -> None:
    with pytest.raises(Unreadable):
        apart.measure(raw)


def test_half_a_photo_is_unreadable(apart: Apart, photos: list[Image.Image]) -> None:
    with pytest.raises(Unreadable, match="truncated"):
        apart.measure(jpeg(photos[0])[:2000])


def test_a_picture_that_claims_to_be_enormous_is_not_opened(apart: Apart) -> None:
    with pytest.raises(NotRead, match="million"):
        apart.measure(png_that_claims(60_000, 60_000))


def test_a_process_that_ended_is_no_unreadable_photo_and_the_next_one_is_read(
    photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "pillow_heif"
    package.mkdir()
    (package / "__init__.py").write_text("import os\nos._exit(3)\n")
    with Apart() as reader:
        with monkeypatch.context() as broken:
            broken.setenv("PYTHONPATH", str(tmp_path), prepend=":")
            with pytest.raises(NotRead, match="broke"):
                reader.measure(jpeg(photos[0]))
        assert reader.measure(jpeg(photos[0])).photo.width == 224


def test_one_that_takes_too_long_is_ended(photos: list[Image.Image]) -> None:
    with Apart(limit_s=0.0) as reader, pytest.raises(NotRead, match="seconds"):
        reader.measure(jpeg(photos[0]))
