"""A class of thirty who hand in photos of drawn hands: most of them right, others wrong in one way each."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from grader.samples.datasets.gestures import LETTERS, draw_looks, draw_photos

__all__ = ["NAMES", "PhotoClass", "jpeg", "number_of", "write_class", "zipped"]

Pixels = npt.NDArray[np.uint8]
Files = dict[str, bytes]

#: Names that must be nowhere in a data set.
NAMES = (
    "abbasi", "baker", "chowdhury", "dimitrov", "eriksen", "fernandez", "gupta", "hassan", "ivanova",
    "jensen", "kowalski", "lindqvist", "moreau", "nakamura", "okafor", "petrov", "quintana", "rossi",
    "schneider", "tanaka", "ullman", "vasquez", "wojcik", "xiong", "yilmaz", "zimmermann", "aldridge",
    "beaumont", "castellano", "drummond",
)  # fmt: skip


def number_of(student: int) -> str:
    return str(1004200300 + 7919 * student)


@dataclass(frozen=True)
class PhotoClass:
    """Where it lies, and who did what.

    Attributes:
        wrong: Student numbers by what is wrong with what they handed in.
        takes: Photos of each letter.
    """

    folder: Path
    wrong: Mapping[str, str]
    takes: int

    @property
    def right(self) -> list[str]:
        """Those with nothing wrong."""
        return [number_of(each) for each in range(len(NAMES)) if number_of(each) not in self.wrong.values()]


def jpeg(pixels: Pixels | Image.Image, quality: int = 92, **more: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, **more)
    return buffer.getvalue()


def zipped(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, raw in files:
            archive.writestr(name, raw)
    return buffer.getvalue()


def write_class(folder: Path, *, takes: int = 3, big_mb: int = 8, seed: int = 7) -> PhotoClass:
    """Writes ``<name>_<number>.zip`` for each student.

    Args:
        folder: Made where it is missing.
        takes: Photos of each letter, 1 to 3.
        big_mb: How large the archive of the student is whose phone takes large photos.
        seed: Of hands and walls.
    """
    folder.mkdir(parents=True)
    hands = _Hands(seed, takes)
    wrong: dict[str, str] = {}
    for student, name in enumerate(NAMES):
        number = number_of(student)
        files = hands.files(student)
        if student < len(_WAYS):
            what, change = list(_WAYS.items())[student]
            wrong[what] = number
            files = change(files, hands, number)
        if student == len(_WAYS):
            wrong["big zip"] = number
            files = _large(files, big_mb)
        raw = files.pop("whole archive", None) or zipped(files.items())
        (folder / f"{name}_{number}.zip").write_bytes(raw)
    return PhotoClass(folder, wrong, takes)


class _Hands:
    """Draws every student's photos, each student's from one hand."""

    def __init__(self, seed: int, takes: int) -> None:
        self.seed = seed
        self.takes = takes

    def pixels(self, student: int) -> Iterator[tuple[str, int, Pixels]]:
        rng = np.random.default_rng([self.seed, student])
        looks = draw_looks(rng, 1)
        light = _light(rng)
        for letter in LETTERS:
            for take, photo in enumerate(draw_photos(rng, letter, looks, takes=self.takes), 1):
                yield letter, take, np.asarray(photo * light, dtype=np.uint8)

    def files(self, student: int) -> Files:
        number = number_of(student)
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Example Phones", f"Model of {NAMES[student]}"
        return {
            f"{number}_{letter}_{take}.jpg": jpeg(photo, exif=exif)
            for letter, take, photo in self.pixels(student)
        }


def _light(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A room's: from one side, and of one colour. (224, 224, 3), up to 1."""
    y, x = np.mgrid[0:224, 0:224] / 223 - 0.5
    turn = rng.uniform(0, 2 * np.pi)
    falling = 1 - rng.uniform(0.05, 0.18) * (0.5 + np.cos(turn) * x + np.sin(turn) * y)
    tint = 1 - np.array([rng.uniform(0, 0.04), rng.uniform(0, 0.04), rng.uniform(0, 0.08)])
    light: npt.NDArray[np.float64] = np.minimum(falling, 1)[..., None] * tint
    return light


def _each(change: Callable[[Image.Image], Image.Image | bytes]) -> Callable[[Files, _Hands, str], Files]:
    """Changes the photos of B, C and D."""

    def changed(files: Files, _hands: _Hands, _number: str) -> Files:
        return {name: _made(change, raw) if name[11] in "BCD" else raw for name, raw in files.items()}

    return changed


def _made(change: Callable[[Image.Image], Image.Image | bytes], raw: bytes) -> bytes:
    made = change(Image.open(io.BytesIO(raw)).convert("RGB"))
    return made if isinstance(made, bytes) else jpeg(made)


def _darker(image: Image.Image) -> Image.Image:
    return image.point(lambda value: round(value * 0.2))


def _shelves(image: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(image)
    for number, top in enumerate(range(8, 200, 38)):
        shade = (40 + 37 * number % 160, 60 + 71 * number % 150, 50 + 53 * number % 170)
        draw.rectangle((0, top, 55, top + 22), fill=shade)
        draw.rectangle((180, top + 10, 224, top + 30), fill=shade[::-1])
    return image


def _aside(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.roll(np.asarray(image), 64, axis=1))


def _edited(image: Image.Image) -> bytes:
    """Part of the hand copied onto the wall, saved by an editor."""
    copy = image.crop((84, 112, 144, 184))
    image.paste(copy, (5, 9))
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 26.1 (Windows)"
    return jpeg(image, 96, exif=exif)


def _turned(image: Image.Image) -> bytes:
    """As a phone held sideways stores it: the pixels lie, and the metadata ask to turn them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(image.transpose(Image.Transpose.ROTATE_90), exif=exif)


def _narrow(image: Image.Image) -> Image.Image:
    return image.resize((209, 224))


def _heic(image: Image.Image) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, "HEIF", quality=90)
    return buffer.getvalue()


def _folders(files: Files, _hands: _Hands, _number: str) -> Files:
    """A folder a letter, names of a camera, and what a Mac leaves behind: right but for the names."""
    made: Files = {"__MACOSX/A/._IMG_1.jpg": b"resource fork", ".DS_Store": b"\0\0\0\1Bud1"}
    for place, (name, raw) in enumerate(files.items()):
        made[f"photos/{name[11]}/IMG_{4000 + place}.jpg"] = raw
    return made


def _double(files: Files, _hands: _Hands, number: str) -> Files:
    """The photo of A as that of E too, once as it was and once saved again."""
    names = sorted(files)
    first = files[f"{number}_A_1.jpg"]
    again = jpeg(Image.open(io.BytesIO(first)), 70)
    own = [name for name in names if "_E_" in name]
    files[own[0]] = first
    files[f"{number}_F_1.jpg"] = again
    return files


def _copied(files: Files, hands: _Hands, number: str) -> Files:
    """The photos of G from the next student but one, smaller and mirrored back to size."""
    other = hands.files(len(NAMES) - 1)
    for name, raw in other.items():
        if "_G_" in name:
            image = Image.open(io.BytesIO(raw)).resize((180, 180)).resize((224, 224))
            files[f"{number}_{name[11:]}"] = jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return files


def _missing(files: Files, _hands: _Hands, _number: str) -> Files:
    return {name: raw for name, raw in files.items() if name[11] not in "HI"}


def _damaged(files: Files, _hands: _Hands, _number: str) -> Files:
    return {name: raw[:900] if name[11] in "BC" else raw for name, raw in files.items()}


def _nested(files: Files, _hands: _Hands, _number: str) -> Files:
    """A zip for each letter within the zip, in a folder."""
    made: Files = {}
    for letter in LETTERS:
        inner = [(name, raw) for name, raw in files.items() if name[11] == letter]
        made[f"all of it/{letter}.zip"] = zipped(inner)
    return made


def _bomb(_files: Files, _hands: _Hands, number: str) -> Files:
    """A photo that unpacks to ten thousand times its size, and a file that leads out of the archive."""
    inner = [(f"{number}_A_1.jpg", bytes(300 * 1024**2)), ("../../outside.jpg", b"x")]
    return {"whole archive": zipped(inner, zipfile.ZIP_DEFLATED)}


def _no_archive(_files: Files, _hands: _Hands, _number: str) -> Files:
    return {"whole archive": b"this was a zip once"}


def _large(files: Files, size_mb: int) -> Files:
    """Photos as a phone takes them: so many megapixels, and noise that no compression makes small."""
    rng = np.random.default_rng(1)
    each = size_mb * 1024**2 // len(files)
    side = 224 * max(2, round((each / 1.1) ** 0.5 / 224))
    made = {}
    for name, raw in files.items():
        photo = Image.open(io.BytesIO(raw)).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
        noisy = np.asarray(photo, dtype=np.int16) + rng.integers(-14, 15, (side, side, 3), dtype=np.int16)
        made[name] = jpeg(np.clip(noisy, 0, 255).astype(np.uint8), 93)
    return made


_WAYS: dict[str, Callable[[Files, _Hands, str], Files]] = {
    "wrong size": _each(_narrow),
    "blurred": _each(lambda image: image.filter(ImageFilter.GaussianBlur(4))),
    "dark": _each(_darker),
    "background": _each(_shelves),
    "aside": _each(_aside),
    "edited": _each(_edited),
    "turned": _each(_turned),
    "heic": _each(_heic),
    "folders": _folders,
    "double": _double,
    "copied": _copied,
    "missing": _missing,
    "damaged": _damaged,
    "nested zip": _nested,
    "bomb": _bomb,
    "no archive": _no_archive,
}
