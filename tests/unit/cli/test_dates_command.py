"""Dates, extensions and excuses by commands; exports, lists and the summary tell them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests import course

LAB = ("--assignment", "mini")
WHY = ("--reason", "as agreed")
LATE = "late: {due: 2026-03-01T12:00:00+00:00, per_day: 0.1, until: 2026-03-20T12:00:00+00:00}\n"


@pytest.fixture
def late(lab: Path, grader) -> Path:
    """Two submissions to a rubric with dates."""
    course.write_rubric(lab / "rubrics", course.RUBRIC + LATE)
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    return lab


def test_dates_stand_in_place_of_the_rubrics_with_who_set_them_and_why(late: Path, grader) -> None:
    shown = grader("dates", *LAB).out
    assert "2026-03-01 12:00 UTC" in shown and "the rubric" in shown
    assert grader("dates", *LAB, "--due", "2026-02-01T12:00+00:00").code == 2, "without a reason"
    assert grader("dates", *LAB, "--due", "2026-02-01T12:00", *WHY).code == 2, "without a zone"
    dates = ("--due", "2026-04-01T12:00+00:00", "--until", "2026-03-02T12:00+00:00")
    assert grader("dates", *LAB, *dates, *WHY).code == 2, "in no order"
    ended = grader("dates", *LAB, "--due", "2026-03-02T12:00+00:00", *WHY)
    assert ended.code == 0
    assert "2026-03-02 12:00 UTC" in ended.out and "the course" in ended.out and "as agreed" in ended.out
    assert grader("dates", *LAB, "--due", "2026-03-02T12:00+00:00", *WHY).code == 2, "it holds already"
    assert grader("dates", *LAB, "--due", "rubric", *WHY).code == 0
    assert "set by" not in grader("dates", *LAB).out
    assert grader("audit").code == 0


def test_an_excused_student_is_no_figure_and_is_exported_as_excused(graded: Path, grader) -> None:
    (graded / "roster.csv").write_text(
        "student,name,login\ns1,Jane Doe,s1\ns2,John Smith,s2\ns9,Ada King,s9\n"
    )
    grader("roster", "roster.csv")
    assert grader("excuse", "s2", "s9", *LAB).code == 2, "without a reason"
    assert grader("excuse", "s2", "Ada King", *LAB, *WHY).code == 0
    assert grader("excuse", "s2", *LAB, *WHY).code == 2, "excused already"
    listed = grader("excuse", *LAB).out
    assert "s2" in listed and "s9" in listed and "as agreed" in listed
    summary = grader("summary", *LAB).out
    assert "1 submission, 1 judged" in summary and "2 students excused" in summary
    assert "excused by" in grader("list", *LAB).out
    assert "excused by" in grader("show", "s2", *LAB).out
    ended = grader("export", "canvas", *LAB, "--include-pending", "--out", "canvas.csv")
    rows = list(csv.reader(Path("canvas.csv").read_text("utf-8-sig").splitlines()))
    assert ended.code == 0
    assert {row[3]: row[5] for row in rows[2:]} == {"s1": "2", "s2": "EX", "s9": "EX"}
    left_out = grader("export", "markus", *LAB, "--include-pending", "--out", "markus.csv").out
    assert "left out: s2: excused by" in left_out and "left out: s9: excused by" in left_out
    assert grader("drop", "s2", *LAB, "--undo", *WHY).code == 2, "that is another thing"
    assert grader("excuse", "s2", "s9", "--undo", *LAB, *WHY).code == 0
    assert "2 submissions, 2 judged" in grader("summary", *LAB).out
    assert "nobody is excused" in grader("excuse", *LAB).out
    assert grader("audit").code == 0
    assert "no longer excused" in grader("show", "s2", *LAB, "--history").out


def test_a_gradebook_that_is_filled_in_gets_the_word_for_excused(graded: Path, grader) -> None:
    grader("excuse", "s2", *LAB, *WHY)
    book = "Student,ID,SIS User ID,SIS Login ID,Section,mini (17)\n    Points Possible,,,,,5\n"
    Path("book.csv").write_text(book + "Jane,1,,s1,A,\nJohn,2,,s2,A,\n")
    grader("export", "canvas", *LAB, "--include-pending", "--into", "book.csv", "--out", "filled.csv")
    rows = list(csv.reader(Path("filled.csv").read_text("utf-8-sig").splitlines()))
    assert rows[3][5] == "EX" and rows[2][5] not in ("", "EX")


def test_who_nobody_knows_gets_nothing(graded: Path, grader) -> None:
    for command in (("extend", "s77", "--until", "2030-01-01T00:00+00:00"), ("excuse", "s77")):
        ended = grader(*command, *LAB, *WHY)
        assert ended.code == 2 and "not on the roster" in ended.err
    assert grader("extend", "s1", "--until", "2030-01-01", *LAB, *WHY).code == 2, "no time of day"
    assert grader("extend", "--until", "2030-01-01T00:00", "--assignment", "other").code == 2
    assert "nobody has an extension" in grader("extend", *LAB).out
