"""The offline grading worksheet of Moodle's assignments.

Source: moodle, `mod/assign/gradingtable.php` and `mod/assign/feedback/offline/importgradeslib.php`.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.exports.cells import Cell, csv_bytes
from grader.exports.filling import Filling, number_in
from grader.exports.matching import match_rows
from grader.exports.model import Course, Export, Format, Gradebook, LeftOut, StudentMark
from grader.exports.worksheet import Row, Worksheet, read_worksheet

__all__ = ["MOODLE"]

_HEADER = (
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
)


def write(course: Course, marks: Sequence[StudentMark]) -> Export:
    """A worksheet for students whose ids are Moodle's numbers of participants."""
    known = [mark for mark in marks if mark.student.isdecimal()]
    rows: list[Sequence[Cell]] = [_HEADER, *(_row(course, mark) for mark in known)]
    why = "this id is no participant's number; give the worksheet that Moodle exported with --into"
    left_out = tuple(LeftOut(mark.student, why) for mark in marks if mark not in known)
    return Export({"": csv_bytes(rows)}, tuple(mark.student for mark in known), left_out)


def fill(course: Course, marks: Sequence[StudentMark], gradebook: Gradebook) -> Export:
    """Fills in the column of grades; a grade that Moodle has locked is left alone.

    Raises:
        UsageError: This is no grading worksheet of Moodle.
    """
    sheet = read_worksheet(gradebook.raw, where=gradebook.where)
    identifier, grade = sheet.require("Identifier"), sheet.require("Grade")
    sheet.require("Last modified (grade)")
    students = [place for place, row in enumerate(sheet.rows) if place and row.text(identifier)]
    ids = [
        at for at in (identifier, sheet.column("ID number"), sheet.column("Email address")) if at is not None
    ]
    names = [at for at in (sheet.column("Full name"),) if at is not None]
    matched = match_rows(sheet, marks, id_columns=ids, name_columns=names, among=students)
    filling = Filling(sheet, students, left_out=list(matched.left_out))
    for mark in marks:
        place = matched.rows.get(mark.student)
        if place is None:
            continue
        if why := _refused(sheet, sheet.rows[place], mark):
            filling.leave_out(mark.student, why)
        else:
            filling.put(mark.student, place, {grade: mark.points})
    return filling.export(gradebook)


def _refused(sheet: Worksheet, row: Row, mark: StudentMark) -> str:
    """Why Moodle would not take this grade; empty where it would."""
    if row.text(sheet.column("Grade can be changed")).casefold() == "no":
        return "Moodle has locked this grade (Grade can be changed: No)"
    highest = number_in(row.text(sheet.column("Maximum Grade")))
    if highest is not None and mark.points > highest:
        return f"{mark.points:g} points are more than Moodle's maximum of {highest:g}"
    return ""


def _row(course: Course, mark: StudentMark) -> tuple[Cell, ...]:
    person = mark.person
    return (
        f"Participant {mark.student}",
        person.name or person.sortable_name,
        person.number,
        person.email,
        "",
        mark.points,
        course.out_of,
        "Yes",
        "",
        "",
        "",
    )


MOODLE = Format("moodle", "Moodle", write, fill)
