"""How course systems lay out what students hand in: whose file is this, and when did it come?

Source: canvas-lms and MarkUs (their download code), nbgrader's and Gradescope's documentation, Moodle's
assignment plug-in; see each class.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from grader.intake.entries import Entry
from grader.intake.gradescope import Submitter, read_metadata
from grader.intake.times import read_timestamp

__all__ = ["LAYOUTS", "Layout", "Owner"]


@dataclass(frozen=True)
class Owner:
    """Whose file it is.

    Attributes:
        student: Id as the format writes it, not yet normalised.
        order: Rank among the same student's files by the format's own attempt number; the largest is newest.
    """

    student: str
    name: str = ""
    submitted_at: datetime | None = None
    late: bool = False
    order: int | None = None


class Layout(ABC):
    """One way of laying out submissions."""

    name: str

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
    _METADATA = "submission_metadata.yml"

    def __init__(self) -> None:
        self._submitters: dict[str, list[Submitter]] = {}

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(entry.inside.name == self._METADATA for entry in entries)

    def is_own_file(self, entry: Entry) -> bool:
        return entry.inside.name == self._METADATA

    def prepare(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if self.is_own_file(entry):
                self._submitters |= read_metadata(entry.read(), where=str(entry.shown))

    def owners(self, entry: Entry) -> list[Owner]:
        for part in entry.inside.parts[:-1]:
            if part in self._submitters:
                return [
                    Owner(submitter.student, submitter.name, submitter.submitted_at)
                    for submitter in self._submitters[part]
                ]
            if re.fullmatch(r"submission_\d+", part):
                return [Owner(part)]
        return []


class Moodle(Layout):
    """``<Full name>_<id>_assignsubmission_file[_]/<file>``, or the same without a folder."""

    name = "moodle"
    _OWNER = re.compile(r"(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_.*)?")

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(self.owners(entry) for entry in entries)

    def owners(self, entry: Entry) -> list[Owner]:
        for part in entry.inside.parts:
            if match := self._OWNER.fullmatch(part):
                return [Owner(match["id"], match["name"])]
        return []


class Canvas(Layout):
    """``<name>[_LATE]_<user id>_<attachment id>_<file>``, or ``[LATE_]anon_<id>_<attachment id>_<file>``."""

    name = "canvas"
    _NAMED = re.compile(r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
    _ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_(?P<user>[^_]+)_(?P<attachment>\d+)_(?P<file>.+)")
    _NO_FILE = re.compile(r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>\d+)_(?:text|link)\.html")

    def fits(self, entries: Sequence[Entry]) -> bool:
        notebooks = [entry for entry in entries if entry.is_notebook]
        return bool(notebooks) and all(self.owners(entry) for entry in notebooks)

    def owners(self, entry: Entry) -> list[Owner]:
        name = entry.inside.name
        for pattern in (self._ANONYMOUS, self._NAMED, self._NO_FILE):
            if match := pattern.fullmatch(name):
                found = match.groupdict()
                attachment = found.get("attachment")
                return [
                    Owner(
                        found["user"],
                        found.get("name", ""),
                        late=found["late"] is not None,
                        order=int(attachment) if attachment else None,
                    )
                ]
        return []


class Nbgrader(Layout):
    """``[submitted/]<student>/<assignment>/<notebook>.ipynb`` with ``timestamp.txt`` beside the notebook."""

    name = "nbgrader"
    _TIMESTAMP = "timestamp.txt"

    def __init__(self) -> None:
        self._times: dict[PurePosixPath, datetime | None] = {}

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(
            len(_below_submitted(entry)) == 3
            and (entry.inside.name == self._TIMESTAMP or "submitted" in _folders(entry))
            for entry in entries
        )

    def is_own_file(self, entry: Entry) -> bool:
        return entry.inside.name == self._TIMESTAMP

    def prepare(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if self.is_own_file(entry) and entry.problem is None:
                self._times[entry.inside.parent] = read_timestamp(entry.read())

    def owners(self, entry: Entry) -> list[Owner]:
        parts = _below_submitted(entry)
        if len(parts) < 2 or self.is_own_file(entry):
            return []
        return [Owner(parts[0], submitted_at=self._times.get(entry.inside.parent))]


class FolderPerStudent(Layout):
    """``<student>/<anything>``; a notebook at the top is named by its student."""

    name = "folder"

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(entry.is_notebook and len(entry.inside.parts) > 1 for entry in entries)

    def owners(self, entry: Entry) -> list[Owner]:
        if _folders(entry):
            return [Owner(entry.inside.parts[0])]
        return [Owner(entry.inside.stem)] if entry.is_notebook else []


class MarkUs(FolderPerStudent):
    """``<group name>/<files>``: a folder per student by another name."""

    name = "markus"


class Flat(Layout):
    """``<student>.ipynb``."""

    name = "flat"

    def fits(self, entries: Sequence[Entry]) -> bool:
        return any(entry.is_notebook and len(entry.inside.parts) == 1 for entry in entries)

    def owners(self, entry: Entry) -> list[Owner]:
        return [Owner(entry.inside.stem)] if entry.is_notebook and not _folders(entry) else []


def _folders(entry: Entry) -> tuple[str, ...]:
    parts = entry.inside.parts
    return parts if entry.is_folder else parts[:-1]


def _below_submitted(entry: Entry) -> tuple[str, ...]:
    parts = entry.inside.parts
    return parts[parts.index("submitted") + 1 :] if "submitted" in parts else parts


#: In the order in which they are tried: the most telling layout first.
LAYOUTS: tuple[type[Layout], ...] = (Gradescope, Moodle, Canvas, Nbgrader, FolderPerStudent, MarkUs, Flat)
