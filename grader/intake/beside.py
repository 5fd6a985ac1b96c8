"""Files handed in beside a notebook: ``helper.py``, a table, a checkpoint, pictures.

A notebook reads them from its own folder, so they are part of what was handed in. Together they are kept as
one zip archive, the form in which many students hand them in themselves: equal files give equal bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.errors import IntakeError, SubmissionError
from grader.intake.archive import archive_entries
from grader.intake.entries import Entry, is_litter
from grader.intake.text import visible
from grader.intake.unpack import is_archive, notebook_in

__all__ = ["Beside", "beside_in_archive", "packed", "read_beside"]

_MOST_FILES = 100
_MOST_BYTES = 32 * 1024 * 1024
_MOST_NAMED = 5
_LONGEST_PATH, _DEEPEST = 200, 8
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Beside:
    """What lies beside one notebook.

    Attributes:
        files: Content by path below the notebook's folder, with forward slashes.
        left_out: Paths of what could not be taken, each with the reason.
    """

    files: tuple[tuple[str, bytes], ...] = ()
    left_out: tuple[str, ...] = ()


def read_beside(folder: PurePosixPath, entries: Iterable[Entry]) -> Beside:
    """Reads the files below a notebook's folder, the notebooks among them left out.

    Args:
        folder: Of the notebook, as `Entry.inside` writes it.
        entries: Of the same student.
    """
    files: list[tuple[str, bytes]] = []
    left_out: list[str] = []
    size = 0
    for entry in entries:
        if entry.is_notebook or is_litter(entry.inside) or (entry.is_folder and not entry.problem):
            continue
        try:
            content = _content(entry, folder, room=len(files) < _MOST_FILES, room_bytes=_MOST_BYTES - size)
        except SubmissionError as error:
            left_out.append(f"{visible(str(entry.inside))}: {error.what}")
            continue
        files.append((str(entry.inside.relative_to(folder)), content))
        size += len(content)
    return Beside(tuple(files), _in_few(left_out))


def _content(entry: Entry, folder: PurePosixPath, *, room: bool, room_bytes: int) -> bytes:
    """A file's bytes.

    Raises:
        SubmissionError: It is not taken, and why.
    """
    if entry.problem is not None:
        raise SubmissionError(entry.problem)
    if not entry.inside.is_relative_to(folder):
        raise SubmissionError("does not lie below the notebook's folder")
    inside = entry.inside.relative_to(folder)
    if len(str(inside)) > _LONGEST_PATH or len(inside.parts) > _DEEPEST or not str(inside).isprintable():
        raise SubmissionError("its path is too long, or holds characters that cannot be shown")
    if ".." in inside.parts or inside.is_absolute() or "\\" in str(inside):
        raise SubmissionError("its path leads out of the folder")
    if not room:
        raise SubmissionError(f"there are more than {_MOST_FILES} files")
    content = entry.read()
    if len(content) > room_bytes:
        raise SubmissionError(f"all files together have more than {_MOST_BYTES // 1024**2} MB")
    return content


def _in_few(left_out: Sequence[str]) -> tuple[str, ...]:
    more = len(left_out) - _MOST_NAMED
    return (*left_out[:_MOST_NAMED], f"and {more} more") if more > 0 else tuple(left_out)


def packed(name: str, notebook: bytes, files: Sequence[tuple[str, bytes]]) -> bytes:
    """A notebook and what lies beside it as one archive.

    Args:
        name: Of the notebook's file.
        notebook: Its bytes.
        files: As `Beside` has them; with none, the notebook's bytes alone are given back.
    """
    if not files:
        return notebook
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path, content in ((name, notebook), *sorted(files)):
            archive.writestr(zipfile.ZipInfo(path, _EARLIEST), content)
    return made.getvalue()


def beside_in_archive(raw: bytes) -> Beside:
    """What lies beside the notebook in a zip archive; nothing where this is none, or cannot be read."""
    if not is_archive(raw):
        return Beside()
    try:
        notebook = notebook_in(raw)
        entries = archive_entries(Path("archive"), content=raw)
    except (SubmissionError, IntakeError):
        return Beside()
    others = [entry for entry in entries if entry.inside != notebook.inside]
    return read_beside(notebook.inside.parent, others)
