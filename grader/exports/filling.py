"""Filling a gradebook's column of marks: only cells whose number changes are touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from grader.exports.cells import number_text
from grader.exports.model import Export, Gradebook, LeftOut
from grader.exports.worksheet import Worksheet

__all__ = ["Filling", "number_in"]

_SAME = 0.005


@dataclass
class Filling:
    """Numbers on their way into a worksheet.

    Attributes:
        students: Rows that stand for students; with `only_changed` those that get nothing are left away.
    """

    sheet: Worksheet
    students: Collection[int]
    values: dict[tuple[int, int], str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def put(self, student: str, place: int, numbers: Mapping[int, float | None]) -> None:
        """Writes a student's numbers by column; None empties a cell, and an equal number stays as written."""
        changed = {
            column: "" if number is None else number_text(number)
            for column, number in numbers.items()
            if not _equal(self.sheet.rows[place].text(column), number)
        }
        self.values |= {(place, column): text for column, text in changed.items()}
        if changed:
            self.written.append(student)

    def put_word(self, student: str, place: int, column: int, word: str) -> None:
        """Writes a word in place of a number, as that a student is excused."""
        if self.sheet.rows[place].text(column).strip().upper() != word:
            self.values[place, column] = word
            self.written.append(student)

    def leave_out(self, student: str, why: str) -> None:
        self.left_out.append(LeftOut(student, why))

    def export(self, gradebook: Gradebook) -> Export:
        """The filled file."""
        touched = {place for place, _ in self.values}
        without = set(self.students) - touched if gradebook.only_changed else set()
        return Export(
            files={"": self.sheet.filled(self.values, without=without)},
            written=tuple(self.written),
            left_out=tuple(self.left_out),
            notes=tuple(self.notes),
        )


def number_in(text: str) -> float | None:
    """The number that a cell holds, with a point or a comma; None for anything else."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _equal(text: str, number: float | None) -> bool:
    found = number_in(text)
    if number is None or found is None:
        return number is None and not text
    return abs(found - number) < _SAME
