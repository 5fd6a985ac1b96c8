"""The summary of an assignment in MarkUs, `<short_id>_summary.csv`.

Source: MarkUsProject/Markus, `app/models/assignment.rb` (`summary_csv`) and the import of marks, which keys
on the group's name and knows criteria by their names.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import UsageError
from grader.exports.cells import Cell, csv_bytes
from grader.exports.filling import Filling, number_in
from grader.exports.matching import match_rows, same_title
from grader.exports.model import Course, CriterionLine, Export, Format, Gradebook, StudentMark
from grader.exports.worksheet import Worksheet, read_worksheet

__all__ = ["MARKUS"]

_IDENTITY = ("Group name", "User Name", "Last Name", "First Name", "Section", "ID number", "Email")
_TOTAL = "Total Mark"
_DEDUCTIONS = "Bonus/Deductions"
_OUT_OF = "Out Of"


def write(course: Course, marks: Sequence[StudentMark]) -> Export:
    """A summary with the rubric's criteria by their titles; lateness stands under deductions."""
    maxima = _maxima(marks)
    rows: list[Sequence[Cell]] = [
        (*_IDENTITY, _TOTAL, *course.criteria.values(), _DEDUCTIONS),
        (
            *[" "] * (len(_IDENTITY) - 1),
            _OUT_OF,
            course.out_of,
            *(maxima.get(name, "") for name in course.criteria),
            "",
        ),
    ]
    rows += [_row(course, mark) for mark in marks]
    return Export({"": csv_bytes(rows)}, tuple(mark.student for mark in marks))


def fill(course: Course, marks: Sequence[StudentMark], gradebook: Gradebook) -> Export:
    """Fills in the criteria's columns, and total and deductions with them.

    Raises:
        UsageError: This is no summary of MarkUs, or none of its columns is a criterion of the rubric.
    """
    sheet = read_worksheet(gradebook.raw, where=gradebook.where)
    group, total = sheet.require("Group name"), sheet.require(_TOTAL)
    columns = _criterion_columns(sheet, course, total)
    ids = [
        at for at in map(sheet.column, ("Group name", "User Name", "ID number", "Email")) if at is not None
    ]
    names = [at for at in map(sheet.column, ("First Name", "Last Name")) if at is not None]
    students = [place for place, row in enumerate(sheet.rows) if place and row.text(group)]
    matched = match_rows(sheet, marks, id_columns=ids, name_columns=names, among=students)
    filling = Filling(sheet, students, left_out=list(matched.left_out))
    lacking = [title for name, title in course.criteria.items() if name not in columns]
    filling.notes += [f"no column is called {title!r}: MarkUs does not get its points" for title in lacking]
    for mark in marks:
        if mark.student in matched.rows:
            _fill_row(filling, mark, matched.rows[mark.student], columns)
    return filling.export(gradebook)


def _fill_row(filling: Filling, mark: StudentMark, place: int, columns: dict[str, int]) -> None:
    sheet = filling.sheet
    given = {line.id: line for line in mark.criteria}
    maxima = _out_of_row(sheet)
    over = [
        line.title
        for name, at in columns.items()
        if (line := given.get(name)) and (most := maxima.get(at)) is not None and line.points > most
    ]
    if over:
        filling.leave_out(
            mark.student, f"more points than MarkUs allows for {', '.join(over)}; it would refuse the row"
        )
        return
    numbers: dict[int, float | None] = {at: _points(given.get(name)) for name, at in columns.items()}
    numbers |= _deduction(filling, mark, place)
    if len(columns) == len(mark.criteria):
        numbers[sheet.require(_TOTAL)] = mark.points
    filling.put(mark.student, place, numbers)


def _deduction(filling: Filling, mark: StudentMark, place: int) -> dict[int, float | None]:
    """What lateness took; a bonus or deduction that somebody entered in MarkUs is theirs and stays."""
    column = filling.sheet.column(_DEDUCTIONS)
    if column is None or not mark.late_points:
        return {}
    entered = number_in(filling.sheet.rows[place].text(column))
    if entered in (None, 0.0, -mark.late_points):
        return {column: -mark.late_points}
    stays = f"{mark.student}: MarkUs has {entered:g} under {_DEDUCTIONS}, which stays"
    filling.notes.append(f"{stays}; lateness takes {mark.late_points:g}")
    return {}


def _criterion_columns(sheet: Worksheet, course: Course, total: int) -> dict[str, int]:
    """The column of each criterion, by the criterion's title or id."""
    titles = {at: title for at, title in enumerate(sheet.header) if at > total and title != _DEDUCTIONS}
    columns = {
        name: at
        for name, title in course.criteria.items()
        for at, header in titles.items()
        if same_title(header, title) or same_title(header, name)
    }
    if not columns:
        raise UsageError(
            f"none of these columns is a criterion of {course.assignment}",
            where=f"{sheet.where}:1",
            expected=", ".join(course.criteria.values())[:300],
            found=", ".join(titles.values())[:300] or "no column after the total",
            todo="call the criteria in MarkUs by the titles or ids of the rubric",
        )
    return columns


def _out_of_row(sheet: Worksheet) -> dict[int, float]:
    """Maximum marks by column, where the file says them."""
    for row in sheet.rows[1:2]:
        if any(cell.text.strip() == _OUT_OF for cell in row.cells):
            numbers = {at: number_in(cell.text) for at, cell in enumerate(row.cells)}
            return {at: number for at, number in numbers.items() if number is not None}
    return {}


def _row(course: Course, mark: StudentMark) -> tuple[Cell, ...]:
    person = mark.person
    given = {line.id: line for line in mark.criteria}
    points = [_points(given.get(name)) for name in course.criteria]
    return (
        mark.student,
        person.login or mark.student,
        person.last_name,
        person.first_name,
        person.section,
        person.number,
        person.email,
        mark.points,
        *("" if number is None else number for number in points),
        -mark.late_points if mark.late_points else "",
    )


def _maxima(marks: Sequence[StudentMark]) -> dict[str, float]:
    return {line.id: line.out_of for mark in marks for line in mark.criteria}


def _points(line: CriterionLine | None) -> float | None:
    """What a criterion got; None where points of it still wait."""
    return None if line is None or line.pending else line.points


MARKUS = Format("markus", "MarkUs", write, fill)
