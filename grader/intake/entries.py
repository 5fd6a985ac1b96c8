"""Files as a folder or an archive offers them, none of them opened yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import IntakeError, SubmissionError
from grader.intake.notebook_json import MAX_BYTES
from grader.intake.text import visible

__all__ = ["IGNORED", "MAX_ENTRIES", "Entry", "is_litter", "too_large", "too_many", "unreadable"]

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
        open: Opens an ordinary file to be read in pieces; errors as its reader has them. None where it must
            not be read.
    """

    inside: PurePosixPath
    shown: Path
    read: Callable[[], bytes]
    problem: str | None = None
    is_folder: bool = False
    open: Callable[[], AbstractContextManager[IO[bytes]]] | None = None

    @property
    def is_notebook(self) -> bool:
        """By its name; browsers and mail programs add endings of their own (``lab.ipynb.txt``)."""
        return not self.is_folder and ".ipynb" in map(str.lower, self.inside.suffixes)

    @property
    def stem(self) -> str:
        """The name without its ending, that of a notebook included."""
        before, ending, _ = self.inside.name.lower().rpartition(".ipynb")
        return self.inside.name[: len(before)] if ending and self.is_notebook else self.inside.stem


def is_litter(inside: PurePosixPath) -> bool:
    """True for what nobody hands in on purpose."""
    return any(part in IGNORED or part.startswith("._") for part in inside.parts)


def too_large(where: Path) -> SubmissionError:
    return SubmissionError(
        "the file is too large",
        where=str(where),
        expected=f"at most {MAX_BYTES // 1024**2} MB without its outputs",
        todo="clear the outputs and save again",
    )


def too_many(what: str, where: Path, insides: Iterable[PurePosixPath]) -> IntakeError:
    """Names the student whose files they are, where it is one student's."""
    (top, count), *_ = Counter(inside.parts[:1] for inside in insides).most_common(1)
    return IntakeError(
        f"the {what} holds too many files",
        where=str(where),
        expected=f"at most {MAX_ENTRIES}",
        found=f"{visible(''.join(top))} alone holds {count} of them",
        todo="name what holds the submissions only, or take that one out",
    )


def unreadable(problem: str) -> Callable[[], bytes]:
    """A `read` that refuses, for entries with a problem."""

    def read() -> bytes:
        raise SubmissionError(problem)

    return read
