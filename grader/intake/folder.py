"""Lists a folder's files without following links, and reads them without being held up."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import IntakeError, SubmissionError
from grader.grading.held import TO_DO
from grader.intake.entries import MAX_ENTRIES, Entry, too_large, too_many, unreadable
from grader.intake.shorten import TooLarge, read_shortened

__all__ = ["folder_entries", "is_link", "open_file", "read_file"]

_LINK = "this is a symbolic link"

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
        return Entry(inside, path, partial(read_file, path), open=partial(open_file, path))
    kind = _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
    if stat.S_ISLNK(mode) and _leads_to_folder(path):
        # It stands for a student as the folder would, and is entered no more than a linked file is read.
        problem = f"{_LINK}, not a folder; {TO_DO}hand in the folder itself"
        return Entry(inside, path, unreadable(problem), problem, is_folder=True)
    problem = f"this is {kind}, not a file; {TO_DO}hand in the file itself"
    return Entry(inside, path, unreadable(problem), problem)


def is_link(entry: Entry) -> bool:
    """Whether an entry that `folder_entries` gave is a symbolic link."""
    return entry.problem is not None and entry.problem.startswith(_LINK)


def _leads_to_folder(link: Path) -> bool:
    """Whether a link stands in for a folder; one that leads nowhere goes by its name."""
    try:
        return stat.S_ISDIR(link.stat().st_mode)
    except OSError:
        return not link.suffix
