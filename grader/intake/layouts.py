"""How course systems lay out what students hand in: whose file is this, and when did it come?

Source: canvas-lms and MarkUs (their download code), nbgrader's and Gradescope's documentation, Moodle's
assignment plug-in; see each class.

What lies within one student's folder is the student's, whatever its name: a layout is told by the tops of the
paths, and the course system's own files are believed in their own places only.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from grader.errors import IntakeError, SubmissionError
from grader.intake.entries import Entry
from grader.intake.gradescope import Submitter, read_metadata
from grader.intake.kinds import HANDED_IN_AS
from grader.intake.times import read_timestamp

__all__ = ["LAYOUTS", "Canvas", "Layout", "Moodle", "Owner"]

#: A file or folder that somebody put there by mistake changes nothing for all others.
_MOST = 0.5
_MAY_HOLD_ONE = frozenset({".zip", ".gz", ".json"})
#: Names of files that a course keeps beside its submissions, which are no students.
_OF_THE_COURSE = frozenset(
    {"all", "assignment", "data", "grades", "handout", "instructions", "marks", "readme", "rubric"}
    | {"slides", "solution", "submissions", "syllabus", "template"}
)


@dataclass(frozen=True)
class Owner:
    """Whose file it is.

    Attributes:
        student: Id as the format writes it, not yet normalised.
        order: Rank among the same student's files by the format's own attempt number; the largest is newest.
        file: The file's name as the student gave it, where the format puts more before it; else empty.
    """

    student: str
    name: str = ""
    submitted_at: datetime | None = None
    late: bool = False
    order: int | None = None
    file: str = ""


class Layout(ABC):
    """One way of laying out submissions.

    Attributes:
        may_be_wrapped: Whether it is recognised below one folder around everything, too.
    """

    name: str
    may_be_wrapped: bool = True

    @abstractmethod
    def fits(self, entries: Sequence[Entry]) -> bool:
        """Whether these files are laid out in this way."""

    @abstractmethod
    def owners(self, entry: Entry) -> list[Owner]:
        """Whose file this is; several for a group, nobody for a file that is not a student's."""

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Reads what the format keeps beside the students' files; called before `owners`."""
        del entries

    def is_own_file(self, entry: Entry) -> bool:
        """Whether the course system itself wrote this file."""
        del entry
        return False


class Gradescope(Layout):
    """``submission_<id>/<files>`` beside ``submission_metadata.yml``, which names the submitters."""

    name = "gradescope"
    _METADATA = PurePosixPath("submission_metadata.yml")

    def __init__(self) -> None:
        self._submitters: dict[str, list[Submitter]] = {}

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(self.is_own_file(entry) for entry in entries)

    def is_own_file(self, entry: Entry) -> bool:
        return entry.inside == self._METADATA and entry.problem is None and not entry.is_folder

    def prepare(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if self.is_own_file(entry):
                self._submitters |= read_metadata(_course_file(entry), where=str(entry.shown))

    def owners(self, entry: Entry) -> list[Owner]:
        top = entry.inside.parts[0] if _folders(entry) else ""
        if top in self._submitters:
            return [
                Owner(submitter.student, submitter.name, submitter.submitted_at)
                for submitter in self._submitters[top]
            ]
        return [Owner(top)] if re.fullmatch(r"submission_\d+", top) else []


class Moodle(Layout):
    """``<Full name>_<id>_assignsubmission_file[_]/<file>``, or the same without a folder."""

    name = "moodle"
    _OWNER = re.compile(r"(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_.*)?")

    def fits(self, entries: Sequence[Entry]) -> bool:
        return _share(entries, lambda entry: bool(self.owners(entry))) >= _MOST

    def owners(self, entry: Entry) -> list[Owner]:
        owner = self.owner_of(entry.inside.parts[0]) if entry.inside.parts else None
        return [owner] if owner else []

    @classmethod
    def owner_of(cls, top: str) -> Owner | None:
        match = cls._OWNER.fullmatch(top)
        return Owner(match["id"], match["name"]) if match else None


class Canvas(Layout):
    """``<name>[_LATE]_<user id>_<attachment id>_<file>``, or ``[LATE_]anon_<id>_<attachment id>_<file>``."""

    name = "canvas"
    _NAMED = re.compile(r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
    _ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_(?P<user>[^_]+)_(?P<attachment>\d+)_(?P<file>.+)")
    _NO_FILE = re.compile(r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>\d+)_(?:text|link)\.html")

    def fits(self, entries: Sequence[Entry]) -> bool:
        return _share(entries, lambda entry: bool(self.owners(entry))) >= _MOST

    def owners(self, entry: Entry) -> list[Owner]:
        owner = None if _folders(entry) else self.owner_of(entry.inside.name)
        return [owner] if owner else []

    @classmethod
    def owner_of(cls, file: str) -> Owner | None:
        for pattern in (cls._ANONYMOUS, cls._NAMED, cls._NO_FILE):
            if match := pattern.fullmatch(file):
                found = match.groupdict()
                attachment = found.get("attachment")
                return Owner(
                    found["user"],
                    found.get("name", ""),
                    late=found["late"] is not None,
                    order=int(attachment) if attachment else None,
                    file=found.get("file") or "",
                )
        return None


class Nbgrader(Layout):
    """``[submitted/]<student>/<assignment>/<files>`` with ``timestamp.txt`` in the assignment's folder.

    Without ``submitted`` it is told from a folder per student by the times of most students.
    """

    name = "nbgrader"
    _ROOT = "submitted"
    _OTHERS = frozenset({_ROOT, "source", "release", "autograded", "feedback", "exchange"})
    _TIMESTAMP = "timestamp.txt"

    def __init__(self) -> None:
        self._rooted = False
        self._times: dict[tuple[str, ...], datetime | None] = {}

    def fits(self, entries: Sequence[Entry]) -> bool:
        self._rooted = self._is_rooted(entries)
        timed = {entry.inside.parts[0] for entry in entries if self.is_own_file(entry)}
        return self._rooted or _share(entries, lambda entry: entry.inside.parts[0] in timed) > _MOST

    def _is_rooted(self, entries: Sequence[Entry]) -> bool:
        notebooks = [entry for entry in entries if entry.is_notebook] or entries
        tops = {entry.inside.parts[0] for entry in notebooks if len(entry.inside.parts) > 1}
        return self._ROOT in tops and tops <= self._OTHERS

    def is_own_file(self, entry: Entry) -> bool:
        parts = self._below_root(entry)
        return len(parts) == 3 and parts[2] == self._TIMESTAMP and not entry.is_folder

    def prepare(self, entries: Sequence[Entry]) -> None:
        self._rooted = self._is_rooted(entries)
        for entry in entries:
            if self.is_own_file(entry) and entry.problem is None:
                self._times[self._below_root(entry)[:2]] = _time(entry)

    def owners(self, entry: Entry) -> list[Owner]:
        parts = self._below_root(entry)
        if len(parts) < 2 or self.is_own_file(entry):
            return []
        return [Owner(parts[0], submitted_at=self._times.get(parts[:2]))]

    def _below_root(self, entry: Entry) -> tuple[str, ...]:
        """What follows ``submitted``; nothing for files that lie elsewhere."""
        parts = entry.inside.parts
        if not self._rooted:
            return parts
        return parts[1:] if parts[:1] == (self._ROOT,) else ()


class FolderPerStudent(Layout):
    """``<student>/<anything>``; a notebook at the top is named by its student."""

    name = "folder"
    may_be_wrapped = False

    def fits(self, entries: Sequence[Entry]) -> bool:
        below = [entry for entry in entries if len(entry.inside.parts) > 1]
        return any(entry.is_notebook or entry.inside.suffix.lower() in _MAY_HOLD_ONE for entry in below)

    def owners(self, entry: Entry) -> list[Owner]:
        if _folders(entry):
            return [Owner(entry.inside.parts[0])]
        return [Owner(entry.stem)] if entry.is_notebook else []


class MarkUs(FolderPerStudent):
    """``<group name>/<files>``: a folder per student by another name."""

    name = "markus"


class Flat(Layout):
    """``<student>.ipynb``; beside it what students hand in instead, as ``<student>.zip``."""

    name = "flat"
    may_be_wrapped = False

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(entry.is_notebook and len(entry.inside.parts) == 1 for entry in entries)

    def owners(self, entry: Entry) -> list[Owner]:
        if _folders(entry):
            return []
        return [Owner(entry.stem)] if entry.is_notebook or _stands_for_a_notebook(entry) else []


def _stands_for_a_notebook(entry: Entry) -> bool:
    """Whether a student handed in this file instead; Python's own names (``__init__``) are no student's."""
    instead = entry.inside.suffix.lower() in HANDED_IN_AS
    return instead and not entry.stem.startswith("_") and entry.stem.lower() not in _OF_THE_COURSE


def _folders(entry: Entry) -> tuple[str, ...]:
    parts = entry.inside.parts
    return parts if entry.is_folder else parts[:-1]


def _share(entries: Sequence[Entry], is_so: Callable[[Entry], bool]) -> float:
    """Of the students, told by the top part of the path, those with a notebook of which this is so.

    Students decide how much lies below the top, and what it is called, so that files would be no measure.
    """
    tops = {entry.inside.parts[:1]: False for entry in entries if entry.is_notebook}
    for entry in entries:
        if entry.is_notebook and is_so(entry):
            tops[entry.inside.parts[:1]] = True
    return sum(tops.values()) / len(tops) if tops else 0.0


def _course_file(entry: Entry) -> bytes:
    try:
        return entry.read()
    except SubmissionError as error:
        raise IntakeError("this file cannot be read", where=str(entry.shown), found=str(error)) from error


def _time(entry: Entry) -> datetime | None:
    try:
        return read_timestamp(entry.read())
    except SubmissionError:
        return None


#: In the order in which they are tried: the most telling layout first.
LAYOUTS: tuple[type[Layout], ...] = (Gradescope, Moodle, Canvas, Nbgrader, FolderPerStudent, MarkUs, Flat)
