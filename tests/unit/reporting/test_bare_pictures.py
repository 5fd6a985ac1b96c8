"""What a student's plot says beside the picture reaches nobody; the picture stays as it was."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from grader.reporting.bare_pictures import PICTURES, bare_picture
from grader.reporting.notebook import picture

NAME = b"Maria Muster"


def drawn(mode: str = "RGB") -> Image.Image:
    colours = np.random.default_rng(5).integers(0, 256, size=(24, 32, 4), dtype=np.uint8)
    return Image.fromarray(colours).convert(mode)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def with_texts() -> bytes:
    said = PngInfo()
    said.add_text("Author", NAME.decode())
    said.add_text("Comment", NAME.decode(), zip=True)
    said.add_itxt("Title", NAME.decode(), zip=False)
    exif = Image.Exif()
    exif[0x013B] = NAME.decode()
    raw = saved(drawn("RGBA"), "PNG", pnginfo=said, exif=exif, icc_profile=NAME)
    return raw + b"after the end: " + NAME


def with_exif(**how: object) -> bytes:
    exif = Image.Exif()
    exif[0x013B] = NAME.decode()
    raw = saved(drawn(), "JPEG", exif=exif, comment=NAME, icc_profile=NAME, **how)
    return raw + NAME


@pytest.mark.parametrize(
    ("mime", "raw"),
    [
        ("image/png", with_texts()),
        ("image/jpeg", with_exif()),
        ("image/jpeg", with_exif(progressive=True)),
        ("image/jpeg", with_exif(restart_marker_blocks=2)),
    ],
    ids=["png", "jpeg", "progressive jpeg", "jpeg with restarts"],
)
def test_texts_go_and_pixels_stay(mime: str, raw: bytes) -> None:
    assert NAME in raw
    bare = bare_picture(mime, raw)
    assert NAME not in bare
    assert bare.startswith(PICTURES[mime][:2])
    before, after = (np.asarray(Image.open(io.BytesIO(each))) for each in (raw, bare))
    assert np.array_equal(before, after)
    opened = Image.open(io.BytesIO(bare))
    opened.load()
    assert not opened.getexif() and not getattr(opened, "text", {}) and "comment" not in opened.info


def test_colours_of_four_inks_stay() -> None:
    raw = saved(drawn("CMYK"), "JPEG")
    assert b"Adobe" in raw
    bare = bare_picture("image/jpeg", raw)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(raw))), np.asarray(Image.open(io.BytesIO(bare))))


@pytest.mark.parametrize("mime", PICTURES)
def test_what_is_cut_anywhere_is_no_error(mime: str) -> None:
    raw = with_texts() if mime == "image/png" else with_exif()
    for length in range(len(PICTURES[mime]), len(raw), 7):
        assert bare_picture(mime, raw[:length]).startswith(PICTURES[mime][:2])


def test_pages_take_pictures_through_it() -> None:
    shown = picture("image/png", base64.b64encode(with_texts()).decode())
    assert base64.b64decode(shown) == bare_picture("image/png", with_texts())
    assert picture("image/png", base64.b64encode(b"<svg>").decode()) == ""
