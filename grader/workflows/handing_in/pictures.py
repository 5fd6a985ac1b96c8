"""Photos that come one by one are kept as one zip, the same for the same photos whoever packs them.

So a receipt names one digest, and who has the photos still can make the bytes again that it is of.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.files.named import read_bytes

__all__ = ["ZIP", "is_zip", "pack", "packed_folder"]

ZIP = b"PK\x03\x04"
#: The first moment that a zip can tell; when a photo was taken is for its own metadata to say.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def is_zip(raw: bytes) -> bool:
    """Whether these are the bytes of an archive with anything in it."""
    return raw.startswith(ZIP)


def pack(photos: Sequence[tuple[str, bytes]]) -> bytes:
    """One zip of photos by their names; equal photos give equal bytes.

    Raises:
        UsageError: Two have the same name.
    """
    twice = [name for name, number in Counter(name for name, _ in photos).items() if number > 1]
    if twice:
        raise UsageError(
            "two photos have the same name", found=twice[0], todo="rename one of them, and send all again"
        )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in sorted(photos):
            # As on the system of a zip's inventors, so that whose machine packs it does not matter.
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.create_system = 3
            archive.writestr(info, raw)
    return made.getvalue()


def packed_folder(folder: Path) -> bytes:
    """The zip that the files of a folder came to if somebody chose all of them.

    Raises:
        UsageError: One of them cannot be read.
    """
    files = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
    return pack([(each.name, read_bytes(each)) for each in files])
