"""The roster of a course: who is who, under the ids of every system, and who handed in nothing.

Columns are found by name, in any order and case; a gradebook that Canvas exported is a roster as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import IntakeError
from grader.intake.identity import normalise_id
from grader.intake.text import visible

__all__ = ["Roster", "RosterEntry", "keys_of", "keys_typed", "read_roster", "roster_from"]

#: What each column may be called.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "student": ("student", "student_id", "student id", "utorid", "id", "group name", "identifier"),
    "login": ("login", "sis login id", "user name", "username", "user_name"),
    "number": ("number", "student number", "student_number", "sis user id", "id number", "sid"),
    "canvas_id": ("canvas id", "canvas_id"),
    "name": ("name", "full name", "full_name", "student name"),
    "first_name": ("first name", "first_name", "given name"),
    "last_name": ("last name", "last_name", "surname", "family name"),
    "email": ("email", "e-mail", "email address"),
    "section": ("section", "lecture section"),
}
_IDS = ("student", "login", "number", "canvas_id", "email")
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class RosterEntry:
    """One student of the course; empty where the roster has no such column.

    Attributes:
        student: The first id there is; how the course calls the student.
        name: ``Doe, Jane`` or ``Jane Doe``, put together from the two parts where only these are there.
        line: In the file, from 1.
    """

    student: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    section: str = ""
    number: str = ""
    login: str = ""
    canvas_id: str = ""
    line: int = 0


@dataclass(frozen=True)
class Roster:
    """All students of a course.

    Attributes:
        problems: Ids that several students share, one line each; such an id finds nobody.
    """

    entries: tuple[RosterEntry, ...]
    problems: tuple[str, ...] = ()
    _by_key: Mapping[str, RosterEntry] = field(default_factory=dict, repr=False)

    def find(self, student: str, name: str = "") -> RosterEntry | None:
        """The entry of a submission's student: by any id, else by the whole name; None where in doubt."""
        for key in (_id_key(student), _name_key(student), _name_key(name)):
            if key and key in self._by_key:
                return self._by_key[key]
        return None

    def without_submission(self, found: Iterable[RosterEntry | None]) -> list[RosterEntry]:
        """Who is not among those found."""
        present = {entry.line for entry in found if entry is not None}
        return [entry for entry in self.entries if entry.line not in present]


def read_roster(path: Path) -> Roster:
    """Reads a CSV file with a header line.

    Raises:
        IntakeError: It cannot be read, or no column says who the students are.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    header = [cell.strip().casefold() for cell in next(reader, [])]
    columns = _columns(header)
    if not any(name in columns for name in _IDS):
        raise IntakeError(
            "no column says who the students are",
            where=f"{path}:1",
            expected="a column such as student, login, student number or email",
            found=", ".join(header)[:200] or "an empty file",
        )
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise IntakeError(
            "this roster is no CSV file", where=f"{path}:{reader.line_num}", found=str(error)
        ) from error
    return roster_from([entry for line, row in rows if (entry := _entry(row, columns, line))])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IntakeError(
            "the roster cannot be read",
            where=str(path),
            expected="a CSV file in UTF-8",
            found=error.strerror if isinstance(error, OSError) else str(error),
        ) from error


def _columns(header: list[str]) -> dict[str, int]:
    """Where each thing stands; in a gradebook of Canvas, ``Student`` is the name and ``ID`` Canvas's own."""
    names = dict(_NAMES)
    if "sis login id" in header or "sis user id" in header:
        names |= {"student": (), "name": ("student",), "canvas_id": ("id",)}
    places = {what: [header.index(name) for name in known if name in header] for what, known in names.items()}
    return {what: at[0] for what, at in places.items() if at}


def _entry(row: list[str], columns: Mapping[str, int], line: int) -> RosterEntry | None:
    """None for rows that are no student's: empty ones, and those of a gradebook's points."""
    given = {what: row[at].strip() for what, at in columns.items() if at < len(row)}
    ids = [given[what] for what in _IDS if given.get(what)]
    if not ids:
        return None
    name = given.get("name") or ", ".join(
        part for part in (given.get("last_name"), given.get("first_name")) if part
    )
    return RosterEntry(**{**given, "student": normalise_id(ids[0]), "name": visible(name)}, line=line)


def roster_from(entries: list[RosterEntry]) -> Roster:
    """A roster of these students; what several share finds nobody."""
    owners: dict[str, list[RosterEntry]] = defaultdict(list)
    for entry in entries:
        for key in keys_of(entry):
            owners[key].append(entry)
    problems = [
        f"{', '.join(entry.student for entry in theirs)} share the id {key.removeprefix('id ')!r}"
        for key, theirs in owners.items()
        if len(theirs) > 1 and key.startswith("id ")
    ]
    single = {key: theirs[0] for key, theirs in owners.items() if len(theirs) == 1}
    return Roster(tuple(entries), tuple(dict.fromkeys(problems)), single)


def keys_of(entry: RosterEntry) -> set[str]:
    """What a person may type, in its plain form, to mean somebody: any id, or the whole name in any order."""
    ids = {
        _id_key(given) for given in (*(getattr(entry, what) for what in _IDS), entry.email.partition("@")[0])
    }
    names = {_name_key(entry.name), _name_key(_turned(entry.name))}
    return {key for key in ids | names if key}


def keys_typed(text: str) -> set[str]:
    """What somebody may mean by a text: an id, or a whole name in either order."""
    return {key for key in (_id_key(text), _name_key(text), _name_key(_turned(text))) if key}


def id_typed(text: str) -> str:
    """The key of `keys_typed` by which a text means somebody's id; empty for none."""
    return _id_key(text)


def _turned(name: str) -> str:
    """``Doe, Jane`` as ``Jane Doe``; ``Jane Doe`` as it is."""
    last, _, first = name.partition(",")
    return f"{first} {last}"


def _id_key(student: str) -> str:
    plain = normalise_id(student).casefold()
    return f"id {plain}" if plain else ""


def _name_key(name: str) -> str:
    squeezed = _NO_WORD.sub("", normalise_id(name).casefold())
    return f"name {squeezed}" if squeezed else ""
