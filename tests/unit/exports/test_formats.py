"""Exports against files written by hand from the formats' descriptions."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.exports import (
    FORMATS,
    Course,
    CriterionLine,
    Export,
    Gradebook,
    Person,
    StudentMark,
    select,
)

FIXTURES = Path(__file__).parent / "fixtures"
COURSE = Course(
    "lab2",
    "Lab 2: Cats and dogs",
    40.0,
    {"small-net": "Small net", "fresh-weights": "Fresh weights"},
    due=datetime(2026, 2, 3, 4, 59, tzinfo=UTC),
)
JANE = Person(
    name="Jane Doe",
    first_name="Jane",
    last_name="Doe",
    email="jane@mail.example",
    section="LEC0101",
    number="1001234567",
    login="doej",
    canvas_id="101",
)


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def mark(student: str, points: float, **more) -> StudentMark:
    return StudentMark(student, points, 40.0, **more)


def lines(small: float, fresh: float, pending: float = 0.0) -> tuple[CriterionLine, ...]:
    return (
        CriterionLine("small-net", "Small net", small, 30.0, pending, "Right."),
        CriterionLine(
            "fresh-weights",
            "Fresh weights",
            fresh,
            10.0,
            message="<script>alert(1)</script> is what you wrote.",
        ),
    )


def filled(form: str, marks: list[StudentMark], raw: bytes, **more) -> Export:
    fill = FORMATS[form].fill
    assert fill is not None
    return fill(COURSE, marks, Gradebook(raw, "gradebook.csv", **more))


CLASS = [
    mark("doej", 37.5),
    mark("1001234568", 31.0),
    mark("103", 40.0),
    mark("browna", 22.0),
    mark("stranger", 1.0),
]


def test_canvas_is_filled_in_and_every_other_byte_stays() -> None:
    made = filled("canvas", CLASS, fixture("canvas_gradebook.csv"))
    assert made.files[""] == fixture("canvas_filled.csv")
    assert made.written == ("doej", "103")
    assert {item.student: item.why for item in made.left_out}.keys() == {"browna", "stranger"}
    assert "EX" in next(item.why for item in made.left_out if item.student == "browna")


def test_canvas_only_changed_keeps_the_head_and_the_rows_that_change() -> None:
    made = filled("canvas", CLASS, fixture("canvas_gradebook.csv"), only_changed=True)
    assert made.files[""] == fixture("canvas_changed.csv")


def test_a_filled_canvas_gradebook_has_nothing_left_to_change() -> None:
    again = filled("canvas", CLASS, fixture("canvas_filled.csv"))
    assert again.files[""] == fixture("canvas_filled.csv")
    assert again.written == ()


@pytest.mark.parametrize("named", ["5503", "Lab 3", "lab 3 (5503)"])
def test_a_canvas_column_can_be_named_by_id_title_or_both(named: str) -> None:
    made = filled("canvas", [mark("doej", 9.0)], fixture("canvas_gradebook.csv"), column=named)
    [row] = [row for row in csv.reader(io.StringIO(made.files[""].decode("utf-8-sig"))) if "doej" in row]
    assert row[5:8] == ["8.5", "", "9"]
    assert "out of 20 points, the rubric out of 40" in made.notes[0]


def test_a_canvas_column_that_nobody_can_tell_is_an_error_that_lists_them() -> None:
    with pytest.raises(UsageError, match="no column is the assignment's") as caught:
        filled("canvas", CLASS, fixture("canvas_gradebook.csv"), column="Lab 9")
    assert "Lab 2 (5502)" in str(caught.value)
    twice = fixture("canvas_gradebook.csv").replace(b"Lab 3 (5503)", b"Lab 2 (5503)")
    with pytest.raises(UsageError, match="2 columns could be the assignment's"):
        filled("canvas", CLASS, twice)


def test_what_is_no_canvas_gradebook_is_refused() -> None:
    with pytest.raises(UsageError, match="no gradebook of Canvas"):
        filled("canvas", CLASS, fixture("moodle_worksheet.csv"))


def test_a_new_canvas_file_has_the_columns_that_its_importer_demands() -> None:
    made = FORMATS["canvas"].write(COURSE, [mark("doej", 37.5, person=JANE), mark("=HYPERLINK(1)", 31.0)])
    assert made.files[""] == fixture("canvas_new.csv")


def test_ids_that_fit_two_rows_are_left_out_and_not_guessed() -> None:
    raw = fixture("canvas_gradebook.csv").replace(b",smithj,", b",doej,")
    made = filled("canvas", [mark("doej", 37.5)], raw)
    assert made.files[""] == raw
    assert "several rows" in made.left_out[0].why


def test_two_students_never_share_a_row() -> None:
    raw = fixture("canvas_gradebook.csv")
    made = filled("canvas", [mark("doej", 37.5), mark("101", 2.0)], raw)
    assert made.files[""] == raw
    assert [item.why for item in made.left_out] == [
        "fits the same row as 101: line 4",
        "fits the same row as doej: line 4",
    ]


def test_a_roster_tells_which_ids_belong_together() -> None:
    someone = Person(name="Jane Doe", number="1001234567")
    made = filled("canvas", [mark("team-7", 37.5, person=someone)], fixture("canvas_gradebook.csv"))
    assert made.written == ("team-7",)


def test_markus_is_filled_in_by_criteria_with_lateness_as_deduction() -> None:
    late = mark("doej", 33.5, criteria=lines(27.5, 10.0), late_points=4.0)
    same = mark("1001234569", 12.0, criteria=lines(10.0, 2.0))
    made = filled("markus", [late, same], fixture("markus_summary.csv"))
    assert made.files[""] == fixture("markus_filled.csv")
    assert made.written == ("doej",)


def test_a_bonus_that_somebody_entered_in_markus_stays_and_is_named() -> None:
    raw = fixture("markus_summary.csv").replace(b'"","","",""', b'"","","","2"')
    late = mark("doej", 33.5, criteria=lines(27.5, 10.0), late_points=4.0)
    made = filled("markus", [late], raw)
    assert made.files[""] == fixture("markus_filled.csv").replace(b'"-4"', b'"2"')
    assert made.notes == ("doej: MarkUs has 2 under Bonus/Deductions, which stays; lateness takes 4",)


def test_markus_would_refuse_more_than_the_maximum_so_the_row_stays() -> None:
    raw = fixture("markus_summary.csv").replace(b"Out Of,40,30,10,", b"Out Of,30,20,10,")
    made = filled("markus", [mark("doej", 37.5, criteria=lines(27.5, 10.0))], raw)
    assert made.files[""] == raw
    assert "Small net" in made.left_out[0].why


def test_a_criterion_that_markus_does_not_have_is_said() -> None:
    raw = fixture("markus_summary.csv").replace(b"Fresh weights", b"Style")
    made = filled("markus", [mark("doej", 37.5, criteria=lines(27.5, 10.0))], raw)
    assert any("'Fresh weights'" in note for note in made.notes)
    [row] = [row for row in csv.reader(io.StringIO(made.files[""].decode())) if "doej" in row]
    assert row[7:] == ["", "27.5", "", ""]


def test_markus_without_any_criterion_of_ours_is_refused() -> None:
    raw = fixture("markus_summary.csv").replace(b"Fresh weights", b"Style").replace(b"Small net", b"Tests")
    with pytest.raises(UsageError, match="none of these columns is a criterion"):
        filled("markus", [mark("doej", 1.0, criteria=lines(1.0, 0.0))], raw)


def test_a_new_markus_file_has_its_header_and_row_of_maxima() -> None:
    marks = [
        mark("doej", 33.5, criteria=lines(27.5, 10.0), late_points=4.0, person=JANE),
        mark("smithj", 12.0, criteria=lines(10.0, 2.0)),
    ]
    assert FORMATS["markus"].write(COURSE, marks).files[""] == fixture("markus_new.csv")


def test_moodle_is_filled_in_but_locked_grades_stay() -> None:
    made = filled("moodle", [mark("4711", 37.5), mark("john", 40.0)], fixture("moodle_worksheet.csv"))
    assert made.files[""] == fixture("moodle_filled.csv")
    assert [(item.student, "locked" in item.why) for item in made.left_out] == [("john", True)]


def test_moodle_headers_are_found_whatever_their_case() -> None:
    raw = (
        fixture("moodle_worksheet.csv").replace(b"Identifier", b"IDENTIFIER").replace(b",Grade,", b",grade,")
    )
    assert filled("moodle", [mark("4711", 37.5)], raw).written == ("4711",)
    with pytest.raises(UsageError, match=r"'Last modified \(grade\)' is missing"):
        filled("moodle", [], raw.replace(b"Last modified (grade)", b"When"))


def test_moodle_never_gets_more_than_its_maximum() -> None:
    raw = fixture("moodle_worksheet.csv").replace(b",,40.00,Yes", b",,30.00,Yes")
    made = filled("moodle", [mark("4711", 37.5)], raw)
    assert made.files[""] == raw
    assert "maximum of 30" in made.left_out[0].why


def test_a_new_moodle_file_is_for_participants_only() -> None:
    made = FORMATS["moodle"].write(COURSE, [mark("4711", 37.5, person=JANE), mark("doej", 1.0)])
    assert made.files[""] == fixture("moodle_new.csv")
    assert [item.student for item in made.left_out] == ["doej"]


def test_nbgrader_has_raw_score_penalty_and_times_in_utc() -> None:
    marks = [
        mark(
            "doej", 33.5, late_points=4.0, submitted_at=datetime(2026, 2, 3, 5, 30, tzinfo=UTC), person=JANE
        ),
        mark("smithj", 12.0),
    ]
    assert FORMATS["nbgrader"].write(COURSE, marks).files[""] == fixture("nbgrader.csv")


def test_gradescope_results_show_what_waits_without_a_score() -> None:
    waiting = mark(
        "doej",
        10.0,
        pending=26.0,
        criteria=lines(4.0, 10.0, pending=26.0),
        late_points=4.0,
        late_why="Due on Monday.",
        wall_time_s=12.34,
    )
    [raw] = FORMATS["gradescope"].write(COURSE, [waiting]).files.values()
    assert raw == fixture("gradescope.json")
    assert json.loads(raw)["score"] == 10.0


@pytest.mark.parametrize(("tone", "status"), [("good", "passed"), ("bad", "failed"), ("wait", None)])
def test_gradescope_tells_advice_without_points_by_how_it_was_judged(tone: str, status: str | None) -> None:
    advice = CriterionLine("names", "Names", 0.0, 0.0, message="`sum` is taken.", tone=tone)
    [raw] = FORMATS["gradescope"].write(COURSE, [mark("doej", 40.0, criteria=(advice,))]).files.values()
    (test,) = json.loads(raw)["tests"]
    assert test.get("status") == status
    assert "score" not in test
    assert "max_score" not in test


def test_only_settled_marks_are_published_unless_asked() -> None:
    marks = [
        mark("a", 40.0),
        mark("b", 25.0, pending=15.0, waits="15 points wait for a TA (why)"),
        mark("c", 0.0, pending=40.0, waits="all of it waits", missing="not run yet"),
    ]
    kept, left_out = select(marks)
    assert [item.student for item in kept] == ["a"]
    assert [item.why for item in left_out] == ["15 points wait for a TA (why)", "not run yet"]
    assert [item.student for item in select(marks, include_pending=True)[0]] == ["a", "b"]
