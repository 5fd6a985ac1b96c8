"""The gradebook CSV of Canvas (Quercus).

Source: canvas-lms, `lib/gradebook_exporter.rb` and `lib/gradebook_importer.rb`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.errors import UsageError
from grader.exports.cells import Cell, csv_bytes
from grader.exports.filling import Filling, number_in
from grader.exports.matching import match_rows, same_title
from grader.exports.model import Course, Export, Format, Gradebook, StudentMark
from grader.exports.worksheet import Worksheet, read_worksheet

__all__ = ["CANVAS"]

_INFORMATION = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
#: What Canvas reads as excused, and writes for it.
_EXCUSED = "EX"
_POINTS_POSSIBLE = "    Points Possible"
_TITLE = re.compile(r"(?P<title>.*?)\s*\((?P<id>\d+)\)")


def write(course: Course, marks: Sequence[StudentMark]) -> Export:
    """A gradebook with one assignment, which Canvas proposes as a new one unless the title is known."""
    rows: list[Sequence[Cell]] = [
        (*_INFORMATION, course.title),
        (_POINTS_POSSIBLE, "", "", "", "", course.out_of),
    ]
    rows += [(*_identity(mark), _EXCUSED if mark.excused else mark.points) for mark in marks]
    note = "Canvas matches students by these ids; give the gradebook that it exported with --into to be sure"
    return Export({"": csv_bytes(rows)}, tuple(mark.student for mark in marks), notes=(note,))


def fill(course: Course, marks: Sequence[StudentMark], gradebook: Gradebook) -> Export:
    """Fills in the assignment's column; an excused student (EX) stays excused.

    Raises:
        UsageError: This is no gradebook of Canvas, or its columns do not tell which is the assignment's.
    """
    sheet = read_worksheet(gradebook.raw, where=gradebook.where)
    section = _require_gradebook(sheet)
    column = _assignment_column(sheet, section, course, gradebook.column)
    students = [place for place, row in enumerate(sheet.rows) if place and row.text(1)]
    id_columns = [at for at in (sheet.column("ID"), sheet.column("SIS User ID"), sheet.column("SIS Login ID"))
                  if at is not None]  # fmt: skip
    matched = match_rows(sheet, marks, id_columns=id_columns, name_columns=[0], among=students)
    filling = Filling(sheet, students, left_out=list(matched.left_out))
    for mark in marks:
        place = matched.rows.get(mark.student)
        if place is not None and mark.excused:
            filling.put_word(mark.student, place, column, _EXCUSED)
        elif place is not None and sheet.rows[place].text(column).upper() == _EXCUSED:
            filling.leave_out(mark.student, "excused in the gradebook (EX)")
        elif place is not None:
            filling.put(mark.student, place, {column: mark.points})
    filling.notes += _other_points(sheet, column, course)
    return filling.export(gradebook)


def _identity(mark: StudentMark) -> tuple[str, ...]:
    person = mark.person
    # A number of Canvas's own is no login, and would match nobody there.
    login = person.login or ("" if person.canvas_id == mark.student else mark.student)
    return (person.sortable_name or mark.student, person.canvas_id, person.number, login, person.section)


def _require_gradebook(sheet: Worksheet) -> int:
    """The place of the last information column."""
    header = sheet.header
    section = sheet.column("Section")
    if len(header) < 2 or "Student" not in header[0] or "ID" not in header[1] or section is None:
        raise UsageError(
            "this is no gradebook of Canvas",
            where=f"{sheet.where}:1",
            expected="Student,ID,...,Section,<assignments>",
            found=",".join(header)[:200],
        )
    return section


def _assignment_column(sheet: Worksheet, section: int, course: Course, named: str | None) -> int:
    titles = {at: title for at, title in enumerate(sheet.header) if at > section and title}
    wanted = (named,) if named is not None else (course.title, course.assignment)
    found = [at for at, title in titles.items() if any(_means(word, title) for word in wanted)]
    if len(found) == 1:
        return found[0]
    known = [title for title in titles.values() if _TITLE.fullmatch(title)]
    what = "no column is" if not found else f"{len(found)} columns could be"
    raise UsageError(
        f"{what} the assignment's",
        where=f"{sheet.where}:1",
        expected=" or ".join(repr(word) for word in wanted),
        found="; ".join(known[:12]) or "no assignment",
        todo="name the column as the gradebook writes it: --column 'Lab 2 (1234)'",
    )


def _means(word: str, header: str) -> bool:
    match = _TITLE.fullmatch(header)
    if match is None:
        return same_title(word, header)
    return word == match["id"] or same_title(word, header) or same_title(word, match["title"])


def _other_points(sheet: Worksheet, column: int, course: Course) -> list[str]:
    label = _POINTS_POSSIBLE.strip().casefold()
    possible = [number_in(row.text(column)) for row in sheet.rows[1:] if row.text(0).casefold() == label]
    return [
        f"the gradebook counts this out of {points:g} points, the rubric out of {course.out_of:g}"
        for points in possible
        if points is not None and points != course.out_of
    ]


CANVAS = Format("canvas", "Canvas (Quercus)", write, fill, takes_excused=True)
