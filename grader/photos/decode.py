"""A file's bytes as an upright picture in RGB, or why they are none. Runs in a process apart (`apart`)."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOST_PIXELS", "Decoded", "NotRead", "Unreadable", "decode"]

Pixels = npt.NDArray[np.uint8]

#: Phones take 12 to 50 megapixels, some 200; more are no photo of a hand.
MOST_PIXELS = 210_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
_ORIENTATION, _SOFTWARE, _GPS = 0x0112, 0x0131, 0x8825
_TURNED = range(2, 9)
_MOST_TEXT = 100
#: What editors leave in their own segments, whatever the fields say.
_MARKS = {b"Photoshop 3.0": "Photoshop", b"photoshop:": "Photoshop", b"GIMP": "GIMP", b"Snapseed": "Snapseed"}
_MARKS_WITHIN = 65_536


#: What decoders raise on damaged files. Anything else, a lack of memory above all, is ours and proves
# nothing.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, zlib.error)


class Unreadable(Exception):
    """The bytes are no picture that can be opened."""


class NotRead(Exception):
    """We do not open it: it is larger than anything that was asked for."""


@dataclass(frozen=True)
class Decoded:
    """A picture as it is seen.

    Attributes:
        pixels: (height, width, 3), upright.
        format, mode: As Pillow names them; the second as the file has it.
        turned: It was turned or mirrored as its metadata ask.
        metadata: Kinds of it, in alphabetical order.
        software: What the metadata name as having written it.
    """

    pixels: Pixels
    format: str
    mode: str
    turned: bool
    metadata: tuple[str, ...]
    software: str


def decode(raw: bytes) -> Decoded:
    """Opens a picture of any of the usual formats.

    Args:
        raw: The file.

    Raises:
        Unreadable: Pillow and its HEIF plug-in can make nothing of it.
        NotRead: It has more than `MOST_PIXELS`.
    """
    import pillow_heif
    from PIL import Image, ImageOps

    pillow_heif.register_heif_opener()
    Image.init()
    # The size that a header claims is looked at before a single pixel is unpacked.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(
                io.BytesIO(raw), formats=[form for form in _FORMATS if form in Image.OPEN]
            ) as image:
                _require_size(image.size)
                mode, form = image.mode, image.format or ""
                exif = image.getexif()
                about = (_metadata(image, exif), _software(image, exif, raw))
                upright = ImageOps.exif_transpose(image)
                pixels = np.asarray(_on_white(upright), dtype=np.uint8)
                turned = exif.get(_ORIENTATION) in _TURNED
    except NotRead:
        raise
    except _DAMAGED as error:
        raise Unreadable(_said(error)) from error
    return Decoded(pixels, "JPEG" if form == "MPO" else form, mode, turned, *about)


def _said(error: Exception) -> str:
    """The decoder's words without the address of its buffer."""
    text = " ".join(str(error).split())
    return ("the bytes are no picture of a known format" if "cannot identify" in text else text)[:200]


def _require_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise NotRead(f"{size[0]} x {size[1]} pixels, more than {MOST_PIXELS // 1_000_000} million")


def _on_white(image: Any) -> Image.Image:
    """RGB; what is transparent shows white, as on a page."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        converted: Image.Image = image.convert("RGB")
        return converted
    clear = image.convert("RGBA")
    sheet = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(sheet, clear).convert("RGB")


def _metadata(image: Any, exif: Any) -> tuple[str, ...]:
    kinds = {
        "EXIF": bool(len(exif)),
        "GPS": bool(exif.get_ifd(_GPS)),
        "XMP": bool(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")),
        "comment": bool(image.info.get("comment")),
    }
    return tuple(sorted(kind for kind, there in kinds.items() if there))


def _software(image: Any, exif: Any, raw: bytes) -> str:
    named = str(exif.get(_SOFTWARE) or image.info.get("Software") or "")
    head = raw[:_MARKS_WITHIN]
    marks = [name for mark, name in _MARKS.items() if mark in head and name.lower() not in named.lower()]
    text = ", ".join(dict.fromkeys([part for part in (named.strip("\0 "), *marks) if part]))
    return "".join(character for character in text if character.isprintable())[:_MOST_TEXT]
