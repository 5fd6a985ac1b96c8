"""What a photo's name and folder say: whose it is, which letter, which take."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

__all__ = ["letter_of_folder", "letter_of_name", "number_of_name"]

#: ``1001234567_A_1.jpg`` as asked for, and what comes instead: ``A_1``, ``a 2``, ``A1``, ``letter A (1)``.
_LETTER = re.compile(r"(?:^|[^A-Za-z])(?P<letter>[A-Za-z])(?=[^A-Za-z]|$)")
_NUMBER = re.compile(r"(?<!\d)\d{6,12}(?!\d)")
#: Names that cameras give; the letters and numbers in them mean something else.
_CAMERA = re.compile(
    r"(?:IMG|DSC|DSCN|PXL|MVIMG|P|WIN|Photo|Image|WhatsApp Image|Screenshot)[ _-]?\d", re.IGNORECASE
)
_FOLDER = re.compile(r"(?:(?:letter|sign|class|gesture)s?[ _-]*)?(?P<letter>[A-Za-z])", re.IGNORECASE)


def letter_of_name(name: str) -> str:
    """The one letter that stands by itself in a file's name, as a capital; empty where none or several do."""
    stem = PurePosixPath(name).stem
    if _CAMERA.match(stem):
        return ""
    found = {match["letter"].upper() for match in _LETTER.finditer(stem)}
    return found.pop() if len(found) == 1 else ""


def letter_of_folder(name: str) -> str:
    """The letter by which the innermost folder of such a name is called, as a capital."""
    for folder in reversed(PurePosixPath(name).parts[:-1]):
        plain = PurePosixPath(folder).stem if folder.lower().endswith(".zip") else folder
        match = _FOLDER.fullmatch(plain.strip(" _-"))
        if match is not None:
            return match["letter"].upper()
    return ""


def number_of_name(name: str) -> str:
    """The student number in a file's name; empty where there is none, and in names that cameras give."""
    stem = PurePosixPath(name).stem
    found = None if _CAMERA.match(stem) else _NUMBER.search(stem)
    return found.group() if found else ""
