"""Lists and reads a zip archive in place: nothing is ever written, so nothing can be written elsewhere."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import IntakeError, SubmissionError
from grader.grading.held import TO_DO
from grader.intake.entries import MAX_ENTRIES, Entry, too_large, too_many, unreadable
from grader.intake.shorten import MAX_READ_BYTES, TooLarge, read_shortened

__all__ = ["archive_entries"]

#: Notebooks shrink five- to twentyfold; deflate's limit is about a thousandfold.
_MAX_RATIO = 300
_RATIO_MATTERS_FROM = 1024 * 1024
_ENCRYPTED = 0x1
_NAME_IS_UTF_8 = 0x800


_Open = Callable[[], zipfile.ZipFile]


def archive_entries(path: Path, *, content: bytes | Path | None = None) -> list[Entry]:
    """Lists the files of a zip archive, in order of their names.

    A file that must not be read (a link, an absolute or climbing path, a name given twice, a bomb) is
    listed with its problem, so that it ends as somebody's invalid submission rather than in silence.

    Args:
        path: Where it lies, or what to call it.
        content: Its bytes, or where they lie for the moment; `path` where neither is given.

    Raises:
        IntakeError: The file is no zip archive, is damaged, or holds too many files.
    """

    def opened() -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content or path)

    try:
        with opened() as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise IntakeError("this is no readable zip archive", where=str(path), found=str(error)) from error
    if len(members) > MAX_ENTRIES:
        raise too_many("archive", path, (PurePosixPath(member.filename) for member in members))
    times_named = Counter(_name(member) for member in members)
    files = [member for member in members if not member.is_dir()]
    entries = [_entry(opened, path, member, times_named[_name(member)]) for member in files]
    entries += _empty_folders(path, [member for member in members if member.is_dir()], entries)
    return sorted(entries, key=lambda entry: entry.inside.parts)


def _empty_folders(archive: Path, folders: list[zipfile.ZipInfo], files: list[Entry]) -> list[Entry]:
    insides = {
        PurePosixPath(_name(member)): archive / _name(member) for member in folders if not _problem(member, 1)
    }
    in_use = {parent for inside in (*insides, *(file.inside for file in files)) for parent in inside.parents}
    return [
        Entry(inside, shown, unreadable("this is an empty folder"), is_folder=True)
        for inside, shown in insides.items()
        if inside not in in_use
    ]


def _entry(opened: _Open, archive: Path, member: zipfile.ZipInfo, times_named: int) -> Entry:
    inside = PurePosixPath(_name(member))
    shown = archive / _name(member).replace("\0", "").lstrip("/")
    problem = _problem(member, times_named)
    if problem is not None:
        return Entry(inside, shown, unreadable(problem), problem)
    return Entry(inside, shown, lambda: _read(opened, archive, member), open=lambda: _stream(opened, member))


def _name(member: zipfile.ZipInfo) -> str:
    """A member's path; a Mac writes UTF-8 without saying so, and Python reads what says nothing as cp437."""
    if member.flag_bits & _NAME_IS_UTF_8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _problem(member: zipfile.ZipInfo, times_named: int) -> str | None:
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ":" in name[:2] or ".." in parts or "\0" in name:
        return "its path leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return f"this is a symbolic link, not a file; {TO_DO}hand in the file itself"
    if times_named > 1:
        return f"the archive holds {times_named} files of this name"
    if member.flag_bits & _ENCRYPTED:
        return "the file is encrypted"
    if member.file_size > MAX_READ_BYTES:
        most = MAX_READ_BYTES // 1024**2
        return f"the file is too large: {member.file_size / 1024**2:.0f} MB of at most {most}"
    if member.file_size > max(_RATIO_MATTERS_FROM, _MAX_RATIO * member.compress_size):
        return f"the file unpacks to more than {_MAX_RATIO} times its size"
    return None


@contextmanager
def _stream(open_archive: _Open, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    with open_archive() as opened, opened.open(member) as file:
        yield file


def _read(open_archive: _Open, archive: Path, member: zipfile.ZipInfo) -> bytes:
    """Unpacks one file in memory, without large outputs; more than the size it claims is never unpacked."""
    try:
        with open_archive() as opened, opened.open(member) as file:
            return read_shortened(file)
    except TooLarge:
        raise too_large(archive / member.filename) from None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError) as error:
        raise SubmissionError(
            "the file cannot be unpacked", where=f"{archive}: {member.filename}", found=str(error)
        ) from error
