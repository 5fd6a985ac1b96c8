"""A class in all broken forms: what holds a notebook is graded, of the rest nothing goes out unseen."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests import broken, course

CONTACT = "ta@course.example"
LATE = course.RUBRIC + "late: {due: 2026-02-02T12:00:00Z, until: 2026-02-09T12:00:00Z}\n"


def hand_in(folder: Path, forms: dict[str, tuple[str, bytes]]) -> dict[str, str]:
    """Writes one student's folder for each form, and gives the form of each student."""
    students = {f"t{number:02}": form for number, form in enumerate(forms)}
    for student, form in students.items():
        name, raw = forms[form]
        (folder / student).mkdir(parents=True)
        (folder / student / name).write_bytes(raw)
    return students


def exported(grader) -> dict[str, dict]:
    out = grader("export", "json", "--assignment", "mini", "--out", "-").out
    return {row["student"]: row for row in json.loads(out)}


def test_what_holds_a_whole_notebook_is_graded_as_the_notebook(lab: Path, grader) -> None:
    students = hand_in(lab / "class", broken.TAKEN)
    ended = grader("run", "class", "--rubric", "mini")
    rows = exported(grader)
    wrong = {form: rows[student] for student, form in students.items() if rows[student]["points"] != 2.0}
    assert wrong == {}
    assert ended.code == 0
    assert not any("held" in row for row in rows.values())


@pytest.fixture
def broken_class(lab: Path, grader) -> dict[str, str]:
    """All forms that cannot be taken, s1 who handed in a notebook, and zoe who handed in nothing."""
    (lab / "grader.toml").write_text(f'contact = "{CONTACT}"\n')
    course.write_rubric(lab / "rubrics", LATE)
    students = hand_in(lab / "class", broken.HELD)
    course.hand_in(lab / "class", "s1", course.GOOD)
    (lab / "class" / "zoe").mkdir()
    assert grader("run", "class", "--rubric", "mini").code == 1
    return students


def test_each_waits_with_all_its_points_and_a_reason(broken_class: dict[str, str], grader) -> None:
    rows = exported(grader)
    for student, form in broken_class.items():
        row = rows[student]
        assert (row["held"], row["points"], row["pending"]) == (True, 0.0, 5.0), form
        assert row["reason"], form
    assert "held" not in rows["s1"]
    assert (rows["zoe"]["points"], rows["zoe"]["pending"]) == (0.0, 0.0)


def test_nothing_is_exported_without_a_person(broken_class: dict[str, str], grader) -> None:
    for form in ("canvas", "markus", "moodle", "nbgrader"):
        ended = grader("export", form, "--assignment", "mini", "--include-pending", "--out", "out")
        text = Path("out").read_text()
        assert not any(student in text for student in broken_class)
        assert all(f"left out: {student}: could not be taken" in ended.out for student in broken_class)
    grader("export", "gradescope", "--assignment", "mini", "--include-pending", "--out", "folder")
    assert {path.stem for path in Path("folder").iterdir()} == {"s1", "zoe"}
    table = csv.DictReader(io.StringIO(grader("export", "csv", "--assignment", "mini", "--out", "-").out))
    assert {row["student"] for row in table if row["points"] == ""} == set(broken_class)


def test_each_page_has_five_lines_of_advice_and_no_mark(broken_class: dict[str, str], grader) -> None:
    grader("report", "--assignment", "mini", "--out", "pages")
    for student, form in broken_class.items():
        page = Path("pages", f"{student}.html").read_text()
        lines = re.findall(r"<li><strong>(.+?):</strong> (.+?)</li>", page)
        assert [label for label, _ in lines] == [
            "What came", "What was expected", "How to hand in", "By when", "Whom to ask"
        ], form  # fmt: skip
        assert broken.HELD[form][0] in lines[0][1], form
        assert "2026-02-09" in lines[3][1]
        assert lines[4][1] == CONTACT
        assert not re.search(r"\d / 5", page), form
    assert "Nothing was handed in" in Path("pages", "zoe.html").read_text()


def test_intake_run_and_show_say_what_came_and_what_to_do(broken_class: dict[str, str], grader) -> None:
    student = next(name for name, form in broken_class.items() if form == "sign-in page")
    shown = grader("show", student, "--assignment", "mini").out
    for said in (grader("intake", "class").out, grader("run", "class", "--rubric", "mini").out, shown):
        flat = " ".join(said.split())
        assert "web page" in flat
        assert "Download .ipynb" in flat
    assert f"Whom to ask: {CONTACT}" in shown


def test_a_whole_class_of_scripts_in_a_zip_is_no_error_of_ours(lab: Path, grader) -> None:
    forms = {form: broken.HELD[form] for form in ("two in a zip", "locked zip", "zip without one")}
    hand_in(lab / "class", {**forms, "zip": broken.TAKEN["zip"]})
    assert grader("run", "class", "--rubric", "mini").code == 1
    assert sum("held" in row for row in exported(grader).values()) == 3
