"""Files as a folder or an archive offers them, none of them opened yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.errors import SubmissionError

__all__ = ["IGNORED", "MAX_ENTRIES", "Entry", "is_litter"]

MAX_ENTRIES = 100_000

#: What operating systems and Jupyter leave beside the files that people hand in.
IGNORED = frozenset({".ipynb_checkpoints", "__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Entry:
    """A file, or a folder without anything in it.

    Attributes:
        inside: Path below the folder or within the archive.
        shown: Path for messages, never opened by anyone.
        read: Gives the file's bytes; raises SubmissionError where it cannot be read.
        problem: Why it must not be read (a link, a pipe, an unsafe name); None for an ordinary file.
        is_folder: True for an empty folder, which may stand for a student who handed in nothing.
    """

    inside: PurePosixPath
    shown: Path
    read: Callable[[], bytes]
    problem: str | None = None
    is_folder: bool = False

    @property
    def is_notebook(self) -> bool:
        return not self.is_folder and self.inside.suffix.lower() == ".ipynb"


def is_litter(inside: PurePosixPath) -> bool:
    """True for what nobody hands in on purpose."""
    return any(part in IGNORED or part.startswith("._") for part in inside.parts)


def unreadable(problem: str) -> Callable[[], bytes]:
    """A `read` that refuses, for entries with a problem."""

    def read() -> bytes:
        raise SubmissionError(problem)

    return read
