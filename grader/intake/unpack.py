"""A notebook that a student packed, or gave another name: taken out in memory, nothing is written."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from grader.errors import IntakeError, SubmissionError
from grader.intake.archive import archive_entries
from grader.intake.entries import Entry, is_litter, too_large
from grader.intake.notebook_json import is_notebook
from grader.intake.shorten import TooLarge, read_shortened
from grader.intake.text import visible

__all__ = ["holds_notebook", "is_archive", "notebook_in", "unpacked"]

_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_MOST_TRIED = 20
_MOST_NAMED = 10
_HAND_IN = "hand in the notebook itself, the .ipynb file, not packed"


def unpacked(raw: bytes) -> bytes:
    """The notebook in a zip or gzip file; any other file as it is.

    Raises:
        SubmissionError: The archive cannot be read safely, or holds no notebook or several.
    """
    if is_archive(raw):
        return notebook_in(raw).read()
    return _from_gzip(raw) if raw.startswith(_GZIP) else raw


def is_archive(raw: bytes) -> bool:
    """Whether these are the bytes of a zip archive."""
    return raw.startswith(_ZIP)


def holds_notebook(entry: Entry) -> bool:
    """Whether a file is a notebook by its content, or an archive with one in it."""
    if entry.is_folder or entry.problem:
        return False
    try:
        return is_notebook(unpacked(entry.read()))
    except SubmissionError:
        return False


def notebook_in(raw: bytes) -> Entry:
    """The one notebook in a zip archive; where the same is there twice, the first of them.

    Raises:
        SubmissionError: The archive cannot be read safely, or holds no notebook or several.
    """
    where = Path("archive")
    try:
        entries = archive_entries(where, content=raw)
    except IntakeError as error:
        raise SubmissionError("the zip archive is cut short or damaged", todo=_HAND_IN) from error
    entries = [entry for entry in entries if not is_litter(entry.inside) and not entry.is_folder]
    if any(entry.problem for entry in entries):
        problem = next(entry.problem for entry in entries if entry.problem)
        raise SubmissionError("the zip archive is not opened", found=problem, todo=_HAND_IN)
    named = [entry for entry in entries if entry.is_notebook]
    found: dict[bytes, Entry] = {}
    for entry in (named or entries)[:_MOST_TRIED]:
        if named or _is_plain(entry):
            found.setdefault(entry.read(), entry)
        if len(found) > 1:
            break
    if len(found) == 1:
        return next(iter(found.values()))
    raise _not_one([str(entry.inside) for entry in named or entries], several=bool(found))


def _is_plain(entry: Entry) -> bool:
    """Whether a file is a notebook; what is packed within a packed file stays packed."""
    try:
        return is_notebook(entry.read())
    except SubmissionError:
        return False


def _not_one(names: list[str], *, several: bool) -> SubmissionError:
    what = "several notebooks, and which one counts cannot be told" if several else "no notebook"
    shown = visible(", ".join(names[:_MOST_NAMED])) or "nothing"
    return SubmissionError(f"the zip archive holds {what}", found=shown, todo=_HAND_IN)


def _from_gzip(raw: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            return read_shortened(file)
    except TooLarge:
        raise too_large(Path("what is packed")) from None
    except (OSError, EOFError, zlib.error) as error:
        raise SubmissionError("the gzip file is damaged", found=str(error), todo=_HAND_IN) from error
