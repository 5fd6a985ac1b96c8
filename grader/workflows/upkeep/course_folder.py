"""Where a course's own files lie: never where they could be a student's.

``grader.toml`` and `rubrics/` decide about marks, and `reference/` is Python that runs on this machine. A
student hands in whole folders and knows these names, so that none of the three is taken from what is graded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.intake.entries import IGNORED
from grader.workflows.regrading.reference import bundled

__all__ = ["CONTENT", "CourseFolders", "course_folders"]

CONTENT = ("grader.toml", "rubrics", "reference")


@dataclass(frozen=True)
class CourseFolders:
    """Where to look.

    Attributes:
        here: The current folder; None where it could be a student's.
        beside: Where the submissions' folder lies; None where it could be a student's, or is not needed.
        refused: Folders that hold such files and could be a student's.
    """

    here: Path | None = Path()
    beside: Path | None = None
    refused: tuple[Path, ...] = ()

    @property
    def places(self) -> list[Path]:
        return [place for place in (self.here, self.beside) if place is not None]

    def reference(self) -> Path | None:
        """The course's own reference answers, from the current folder only.

        Raises:
            UsageError: There is such a folder, and nothing says that it is the course's.
        """
        if self.here is not None and _is_package(self.here / "reference"):
            ours = (self.here / "reference").resolve() == bundled("reference").resolve()
            if not ours and not _is_marked(self.here) and _looks_handed_in(self.here):
                raise _nobody_named(self.here, "an empty grader.toml beside it says that it is the course's")
            return self.here / "reference"
        if self.beside is not None and _is_package(self.beside / "reference"):
            raise _nobody_named(self.beside, "start in that folder")
        return None


def course_folders(submissions: Path | None = None) -> CourseFolders:
    """Tells where a command may look.

    Args:
        submissions: What is graded; None for commands that need no submissions.
    """
    if submissions is None:
        return CourseFolders()
    here, beside = Path(), submissions.resolve().parent
    if not _may_be_a_students(here, submissions):
        is_course = _holds_content(here) or here.resolve() == beside.resolve()
        also = None if is_course or _may_be_a_students(beside, submissions) else beside
        return CourseFolders(here, also, _refused([] if is_course or also else [beside]))
    same = here.resolve() == beside.resolve() or _may_be_a_students(beside, submissions)
    also = None if same else beside
    return CourseFolders(None, also, _refused([here] if also else [here, beside]))


def _may_be_a_students(place: Path, submissions: Path) -> bool:
    """Whether `place` lies within what is graded, or holds something that looks like one student's."""
    graded, place = submissions.resolve(), place.resolve()
    if place.is_relative_to(graded):
        return True
    if not place.is_relative_to(graded.parent):
        return False
    if graded.suffix.lower() == ".ipynb":
        return True
    # Who starts beside it has chosen that folder; a class of one looks like one student.
    started_beside = place == graded.parent == Path().resolve()
    return not started_beside and not _holds_a_class(graded)


def _holds_a_class(graded: Path) -> bool:
    """An archive, several notebooks, or one further down; one student's has a single one at the top."""
    if not graded.is_dir():
        return True
    depths = (depth for depth in _notebooks(graded, deepest=4))
    first = next(depths, None)
    return first is None or first > 0 or next(depths, None) is not None


def _looks_handed_in(place: Path) -> bool:
    """Several folders with notebooks, or notebooks among the reference answers: students' folders."""
    folders = [Path(each) for each in os.scandir(place) if each.is_dir(follow_symlinks=False)]
    holding = {folder.name for folder in folders if next(_notebooks(folder, deepest=1), None) is not None}
    # Handouts lie beside rubrics; a student called so would still have others beside him.
    return "reference" in holding or len(holding - {"rubrics"}) > 1


def _notebooks(folder: Path, *, deepest: int) -> Iterator[int]:
    """How deep each notebook lies, from 0; links are not followed."""
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        depth = len(Path(path).relative_to(folder).parts)
        yield from (depth for name in files if name.lower().endswith(".ipynb"))
        if depth == deepest:
            folders.clear()


def _is_marked(place: Path) -> bool:
    """A file at the top of a download is no student's: theirs are in folders, or begin with their names."""
    try:
        return stat.S_ISREG((place / "grader.toml").lstat().st_mode)
    except OSError:
        return False


def _holds_content(place: Path) -> bool:
    return any((place / name).exists() for name in CONTENT)


def _refused(places: list[Path]) -> tuple[Path, ...]:
    return tuple(place for place in dict.fromkeys(each.resolve() for each in places) if _holds_content(place))


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def _nobody_named(place: Path, otherwise: str) -> UsageError:
    folder = place / "reference"
    return UsageError(
        "these reference answers are Python that would run on this machine, and could be a student's",
        where=str(folder),
        todo=f"if they are the course's: --reference {folder}, or {otherwise}",
    )
