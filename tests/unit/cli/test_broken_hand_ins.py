"""A class in all broken forms: what holds a notebook is graded, of the rest nothing goes out unseen."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from grader.facts.handout import fingerprint
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
        assert lines[4][1] == f'<a href="mailto:{CONTACT}">{CONTACT}</a>'
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


def another_labs() -> bytes:
    """Made for a bundled lab, which its title tells."""
    title = {"cell_type": "markdown", "metadata": {}, "source": "# Lab 2: Cats vs Dogs"}
    return broken.written(broken.content(cells=[title, *json.loads(course.notebook("x = 1"))["cells"]]))


def with_outputs_of(count: int) -> bytes:
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * count}}
    return broken.with_cell(outputs=[picture])


#: Student, what they handed in, and a word by which it is told what came; empty where it is a whole notebook.
SIXTEEN: dict[str, tuple[dict[str, bytes], str]] = {
    "c01": ({"lab.ipynb": with_outputs_of(52_000_000)}, ""),
    "c02": ({"lab.zip": broken.TAKEN["zip of a Mac"][1]}, ""),
    "c03": ({"lab.ipynb": broken.TAKEN["UTF-16 with a mark"][1]}, ""),
    "c04": ({"lab.ipynb.txt": broken.NOTEBOOK}, ""),
    "c05": ({"lab.html": broken.HELD["web page"][1]}, "web page"),
    "c06": ({"lab.ipynb": broken.HELD["sign-in page"][1]}, "web page"),
    "c07": ({"lab.py": broken.HELD["script"][1]}, "Python script"),
    "c08": ({"lab.pdf": broken.HELD["PDF"][1]}, "PDF"),
    "c09": ({"lab.docx": broken.HELD["Word"][1]}, "Word document"),
    "c10": ({"lab.png": b"\x89PNG\r\n\x1a\n"}, "picture"),
    "c11": ({"lab.ipynb": broken.HELD["truncated"][1]}, "breaks off before its end"),
    "c12": ({"lab.ipynb": b""}, "empty"),
    "c13": ({"lab.ipynb": broken.written(broken.content(cells=[]))}, "no code"),
    "c14": ({"lab.ipynb": another_labs()}, "the notebook of Lab 2: Cats vs Dogs"),
    "c15": ({"a.ipynb": broken.NOTEBOOK, "b.ipynb": course.notebook("b = 2")}, "2 notebooks"),
    "c16": ({}, "symbolic link"),
}
WAITING = {student: came for student, (_, came) in SIXTEEN.items() if came}


@pytest.fixture
def sixteen(lab: Path, grader) -> Path:
    """A class in which nobody handed in one plain notebook, graded once."""
    (lab / "rubrics" / "mini.json").write_text(fingerprint(json.loads(broken.NOTEBOOK)).model_dump_json())
    text = LATE.replace("total: 5", "total: 5\nhandout: mini.json")
    course.write_rubric(lab / "rubrics", text)
    (lab / "grader.toml").write_text(f'contact = "{CONTACT}"\n')
    for student, (files, _) in SIXTEEN.items():
        (lab / "class" / student).mkdir(parents=True)
        for name, raw in files.items():
            (lab / "class" / student / name).write_bytes(raw)
    (lab / "class" / "c16" / "lab.ipynb").symlink_to("/etc/hostname")
    assert grader("run", "class", "--rubric", "mini").code == 1
    return lab


def test_of_sixteen_broken_hand_ins_nothing_goes_out_unseen_and_each_page_says_what_came(
    sixteen: Path, grader
) -> None:
    rows = exported(grader)
    assert {name for name, row in rows.items() if "held" in row} == set(WAITING)
    assert all(row["points"] == 2.0 for name, row in rows.items() if name not in WAITING)

    ended = grader("export", "canvas", "--assignment", "mini", "--include-pending", "--out", "out")
    assert not any(student in Path("out").read_text() for student in WAITING)
    assert all(f"left out: {student}: could not be taken" in ended.out for student in WAITING)

    grader("report", "--assignment", "mini", "--out", "pages")
    for student, came in WAITING.items():
        page = Path("pages", f"{student}.html").read_text()
        lines = dict(re.findall(r"<li><strong>(.+?):</strong> (.+?)</li>", page))
        assert list(lines) == [
            "What came", "What was expected", "How to hand in", "By when", "Whom to ask"
        ], student  # fmt: skip
        assert came in lines["What came"], student
        assert CONTACT in lines["Whom to ask"]

    shown = grader("show", "c14", "--assignment", "mini").out
    assert all(label in shown for label in lines)

    said = grader("summary", "--assignment", "mini").out
    assert "16 submissions, 4 judged" in said
    assert f"{len(WAITING)} submissions could not be taken; in no figure" in said
    waiting = grader("pending", "--assignment", "mini").out
    assert all(waiting.count(f"  {student}  ") == 1 for student in WAITING)


def test_a_class_one_folder_too_high_is_asked_about_before_a_folder_becomes_a_student(
    lab: Path, grader
) -> None:
    course.hand_in(lab / "course" / "mini", "s1", course.GOOD)
    ended = grader("run", "course", "--rubric", "mini")
    assert ended.code == 2
    assert "no student's id: 'mini'" in ended.err
    assert not (lab / "grader.db").exists() or grader("show", "mini", "-a", "mini").code == 2
