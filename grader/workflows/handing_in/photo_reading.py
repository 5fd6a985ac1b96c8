"""What a zip of photos holds, for its student: how many, and what of it is none. Nothing is decoded here.

It runs behind walls, in a process that can open no file, as everything that looks into what students send.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from grader.errors import IntakeError
from grader.evidence.photos import MOST_PHOTOS
from grader.grading.held import TO_DO, parted
from grader.intake.archive import archive_entries
from grader.intake.entries import Entry, is_litter
from grader.intake.photos import MAX_PHOTO_BYTES, PHOTO_ENDINGS
from grader.intake.text import visible

__all__ = ["Photos", "read_photos"]

_CHUNK = 1024**2
_MOST_TOLD = 20
_MOST_BYTES = 2 * 1024**3
#: How files of pictures begin, at any of these places within their first bytes.
_BEGINS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_RIFF, _BOX = (b"RIFF", b"WEBP"), b"ftyp"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError)


@dataclass(frozen=True)
class Photos:
    """What was found.

    Attributes:
        problem: Why it cannot be taken, and what to do; empty where it can.
        left_out: What is no photo, each with the reason.
    """

    number: int
    problem: str
    left_out: tuple[str, ...] = ()


def read_photos(raw: bytes, path: Path) -> Photos:
    """Looks at each file of a zip once.

    Args:
        raw: The zip.
        path: What its student calls it.
    """
    try:
        entries = [each for each in archive_entries(path, content=raw) if not is_litter(each.inside)]
    except IntakeError as error:
        return Photos(
            0, f"the file cannot be opened as a zip: {error.what}; {TO_DO}choose the photos themselves"
        )
    number, left_out, size = 0, list[str](), 0
    for entry in entries:
        why, length = _why_not(entry, _MOST_BYTES - size)
        size += length
        if why:
            left_out.append(f"{visible(str(entry.inside))}: {why}")
        else:
            number += 1
    told = (
        *left_out[:_MOST_TOLD],
        *([f"and {len(left_out) - _MOST_TOLD} more"] if left_out[_MOST_TOLD:] else ()),
    )
    if number > MOST_PHOTOS:
        problem = f"these are {number} photos, and at most {MOST_PHOTOS} are looked at"
        return Photos(number, f"{problem}; {TO_DO}hand in those that you were asked for", told)
    if not number:
        found = f": {told[0]}" if told else ", the zip is empty"
        return Photos(
            0,
            f"there is no photo in what came{found}; {TO_DO}choose your photos (.jpg), or one zip of them",
            told,
        )
    return Photos(number, "", told)


def _why_not(entry: Entry, most: int) -> tuple[str, int]:
    """Why a file is no photo, empty where it is one, and how many bytes were unpacked to tell."""
    if entry.problem is not None or entry.open is None:
        return parted(entry.problem or "it cannot be read")[0], 0
    ending = entry.inside.suffix.lower()
    if ending == ".zip":
        return "a zip within the zip is not opened; put the photos themselves into one", 0
    if ending not in PHOTO_ENDINGS:
        return "it is no photo", 0
    size, begins = 0, b""
    try:
        with entry.open() as file:
            while piece := file.read(_CHUNK):
                begins = begins or piece[:16]
                size += len(piece)
                if size > min(MAX_PHOTO_BYTES, most):
                    return "it is too large", size
    except _UNREADABLE:
        return "it is damaged and cannot be unpacked", size
    return "" if _is_picture(begins) else "it is no picture, whatever its name says", size


def _is_picture(begins: bytes) -> bool:
    if begins.startswith(_BEGINS):
        return True
    return (begins[:4], begins[8:12]) == _RIFF or begins[4:8] == _BOX
