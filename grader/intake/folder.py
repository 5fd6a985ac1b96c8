"""Lists a folder's files without following links, and reads them without being held up."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import IntakeError, SubmissionError
from grader.grading.held import TO_DO
from grader.intake.entries import MAX_ENTRIES, Entry, too_large, too_many, unreadable
from grader.intake.shorten import TooLarge, read_shortened

__all__ = ["folder_entries", "open_file", "read_file"]

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def folder_entries(root: Path) -> list[Entry]:
    """Lists all files below a folder, in order of their paths.

    Raises:
        IntakeError: The folder cannot be read, or holds more files than any class hands in.
    """
    entries = []
    for entry in _walk(root):
        entries.append(entry)
        if len(entries) > MAX_ENTRIES:
            raise too_many("folder", root, (entry.inside for entry in entries))
    return sorted(entries, key=lambda entry: entry.inside.parts)


def read_file(path: Path) -> bytes:
    """Reads an ordinary file of limited size, without large outputs.

    What lies at `path` may have changed since it was listed.

    Raises:
        SubmissionError: It is no ordinary file, is too large, or cannot be read.
    """
    try:
        with open_file(path) as file:
            return read_shortened(file)
    except OSError as error:
        raise SubmissionError("the file cannot be read", where=str(path), found=error.strerror) from error
    except TooLarge:
        raise too_large(path) from None


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens an ordinary file to be read in pieces.

    Raises:
        SubmissionError: It is no ordinary file.
        OSError: It cannot be opened.
    """
    # A pipe would block at opening and a link would lead elsewhere.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SubmissionError("this is no ordinary file", where=str(path))
        yield file


def _walk(root: Path) -> Iterator[Entry]:
    # A stack, not recursion: folders can be nested deeper than Python's calls may be.
    waiting = [PurePosixPath()]
    while waiting:
        inside = waiting.pop()
        try:
            children = list(os.scandir(root / inside))
            modes = [child.stat(follow_symlinks=False).st_mode for child in children]
        except OSError as error:
            if not inside.parts:
                raise IntakeError(
                    "the folder cannot be read", where=str(root), found=error.strerror
                ) from error
            problem = f"the folder cannot be read: {error.strerror}"
            yield Entry(inside, root / inside, unreadable(problem), problem, is_folder=True)
            continue
        if not children and inside.parts:
            yield Entry(inside, root / inside, unreadable("this is an empty folder"), is_folder=True)
        for child, mode in zip(children, modes, strict=True):
            if stat.S_ISDIR(mode):
                waiting.append(inside / child.name)
            else:
                yield _file(root / inside / child.name, inside / child.name, mode)


def _file(path: Path, inside: PurePosixPath, mode: int) -> Entry:
    if stat.S_ISREG(mode):
        return Entry(inside, path, lambda: read_file(path), open=lambda: open_file(path))
    kind = _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
    problem = f"this is {kind}, not a file; {TO_DO}hand in the file itself"
    return Entry(inside, path, unreadable(problem), problem)
