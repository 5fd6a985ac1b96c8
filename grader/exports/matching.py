"""Which row of a gradebook is which student: by ids first, by name last, and never by guessing."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.exports.model import LeftOut, StudentMark
from grader.exports.worksheet import Worksheet

__all__ = ["Matched", "match_rows", "same_title"]

_NO_WORD = re.compile(r"[\W_]+")
_PARTICIPANT = re.compile(r"participant (\d+)")


@dataclass(frozen=True)
class Matched:
    """Rows of the worksheet by student, and those who have none of their own."""

    rows: dict[str, int]
    left_out: tuple[LeftOut, ...]


def match_rows(
    sheet: Worksheet,
    marks: Sequence[StudentMark],
    *,
    id_columns: Iterable[int],
    name_columns: Sequence[int],
    among: Iterable[int],
) -> Matched:
    """Finds each student's row.

    A student whose ids fit several rows, and students who fit the same row, are left out with the reason:
    a mark in the wrong row is worse than one that a person has to type.

    Args:
        sheet: The gradebook.
        marks: Whose rows are sought.
        id_columns: Columns that hold ids of any kind.
        name_columns: Columns that hold names, joined by a space where there are several.
        among: Rows that stand for students, counted from 0.
    """
    places = list(among)
    columns = list(id_columns)
    by_id = _index(
        (key, place) for place in places for at in columns for key in _id_keys(sheet.rows[place].text(at))
    )
    names = {place: " ".join(sheet.rows[place].text(at) for at in name_columns) for place in places}
    by_name = _index((key, place) for place, name in names.items() for key in _name_keys(name))
    found: dict[str, int] = {}
    left_out = []
    for mark in marks:
        rows = _among(by_id, _ids(mark)) or _among(by_name, _names(mark))
        if len(rows) == 1:
            found[mark.student] = rows.pop()
        else:
            left_out.append(LeftOut(mark.student, _why_not(sheet, rows)))
    return _without_sharers(sheet, found, left_out)


def same_title(one: str, other: str) -> bool:
    """Whether two titles differ only in case, spaces and punctuation."""
    return bool(_squeezed(one)) and _squeezed(one) == _squeezed(other)


def _index(entries: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for key, place in entries:
        found[key].add(place)
    return found


def _among(index: dict[str, set[int]], keys: Iterable[str]) -> set[int]:
    return {place for key in keys for place in index.get(key, ())}


def _ids(mark: StudentMark) -> set[str]:
    return {key for given in (mark.student, *mark.person.ids) for key in _id_keys(given)}


def _names(mark: StudentMark) -> set[str]:
    given = (mark.student, mark.person.name, mark.person.sortable_name)
    return {key for name in given for key in _name_keys(name)}


def _id_keys(text: str) -> set[str]:
    """An id as it is compared; of an address also what stands before the @, of a participant the number."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    keys = {plain, plain.partition("@")[0]}
    if match := _PARTICIPANT.fullmatch(plain):
        keys.add(match[1])
    return keys - {""}


def _name_keys(text: str) -> set[str]:
    """A name without spaces and punctuation, ``Doe, Jane`` also with the first name in front."""
    last, comma, first = text.partition(",")
    return {_squeezed(text), _squeezed(f"{first}{last}" if comma else text)} - {""}


def _squeezed(text: str) -> str:
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())


def _why_not(sheet: Worksheet, rows: set[int]) -> str:
    if not rows:
        return f"no row of {sheet.where} has this id; a roster (--roster) tells which ids belong together"
    return f"fits several rows of {sheet.where}: lines {_lines(sheet, rows)}"


def _without_sharers(sheet: Worksheet, found: dict[str, int], left_out: list[LeftOut]) -> Matched:
    owners: dict[int, list[str]] = defaultdict(list)
    for student, place in found.items():
        owners[place].append(student)
    shared = {
        student: place for place, students in owners.items() if len(students) > 1 for student in students
    }
    for student, place in shared.items():
        others = ", ".join(other for other in owners[place] if other != student)
        left_out.append(LeftOut(student, f"fits the same row as {others}: line {sheet.rows[place].line}"))
    own = {student: place for student, place in found.items() if student not in shared}
    return Matched(own, tuple(left_out))


def _lines(sheet: Worksheet, rows: set[int]) -> str:
    return ", ".join(str(sheet.rows[place].line) for place in sorted(rows))
