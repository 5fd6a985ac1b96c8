"""`grader precheck` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests import course


def public(lab: Path) -> None:
    text = course.RUBRIC.replace("    points: 2\n", "    points: 2\n    public: true\n")
    course.write_rubric(lab / "rubrics", text)


def test_a_notebook_that_is_well_ends_with_0(lab: Path, grader) -> None:
    public(lab)
    ended = grader("precheck", "submissions/s1/lab.ipynb", "--rubric", "mini")
    assert ended.code == 0
    assert "Builtins are left alone  as asked" in ended.out
    assert "1 other criterion (3 of 5 points) is judged only once you have handed in." in ended.out
    assert "any sound reason" not in ended.out


def test_what_is_not_as_asked_is_told_with_its_place_and_ends_with_1(lab: Path, grader) -> None:
    public(lab)
    ended = grader("precheck", "submissions/s2/lab.ipynb", "--rubric", "mini")
    assert ended.code == 1
    assert "Builtins are left alone: not as asked" in ended.out
    assert "look at:" in ended.out
    assert "cell `sum = 1 + 2`, no. 0, line 1" in ended.out


def test_programs_get_the_same(lab: Path, grader) -> None:
    public(lab)
    ended = grader("precheck", "submissions/s2/lab.ipynb", "--rubric", "mini", "--json")
    told = json.loads(ended.out)
    assert ended.code == 1
    assert told["all_well"] is False
    assert told["looked"][0]["seems"] == "not as asked"
    assert told["limits"][0].startswith("This is no mark")


def test_nothing_is_kept(lab: Path, grader) -> None:
    public(lab)
    before = set(lab.rglob("*"))
    grader("precheck", "submissions/s1/lab.ipynb", "--rubric", "mini")
    assert set(lab.rglob("*")) == before


def test_a_rubric_with_nothing_public_says_whether_the_notebook_runs(lab: Path, grader) -> None:
    ended = grader("precheck", "submissions/s2/lab.ipynb", "--rubric", "mini")
    assert ended.code == 0
    assert "Every cell of your notebook ran without an error." in ended.out
    assert "2 other criteria (5 of 5 points)" in ended.out


def test_a_file_that_is_no_notebook_ends_with_1_and_what_to_do(lab: Path, grader) -> None:
    public(lab)
    (lab / "lab.ipynb").write_text("%PDF-1.7")
    ended = grader("precheck", "lab.ipynb", "--rubric", "mini")
    assert ended.code == 1
    assert "This file cannot be taken: " in ended.out
    assert "to do" in ended.out


def test_several_notebooks_or_no_rubric_end_with_2(lab: Path, grader) -> None:
    several = grader("precheck", "submissions", "--rubric", "mini")
    assert several.code == 2
    assert "grader run" in several.err
    unknown = grader("precheck", "submissions/s1/lab.ipynb")
    assert unknown.code == 2
    assert "--rubric" in unknown.err


def test_a_rubric_that_marks_a_persons_judgement_public_is_refused_at_its_line(lab: Path, grader) -> None:
    text = course.RUBRIC.replace("    points: 3\n", "    points: 3\n    public: true\n")
    path = course.write_rubric(lab / "rubrics", text)
    ended = grader("rubric", "check", path)
    assert ended.code == 2
    assert "mini.yaml:12" in ended.err
    assert "cannot be public" in ended.err
