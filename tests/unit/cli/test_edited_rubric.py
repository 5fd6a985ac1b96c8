"""A run by an edited rubric: whose marks it changes is said and asked before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import course


@pytest.fixture
def edited(graded: Path) -> Path:
    """s1 and s2 are graded; the rubric has become kinder since, which gives s2 two points more."""
    course.write_rubric(graded / "rubrics", course.KINDER)
    course.hand_in(graded / "late", "s3", course.SHADOWING)
    return graded


def points(grader) -> dict[str, float]:
    rows = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    return {row["student"]: row["points"] for row in rows}


@pytest.mark.parametrize("folder", ["late", "submissions"])
def test_it_names_whose_mark_changes_and_does_nothing_where_nobody_can_be_asked(
    edited: Path, grader, folder: str
) -> None:
    ended = grader("run", folder, "--rubric", "mini")
    assert ended.code == 2
    [row] = [line for line in ended.out.splitlines() if line.startswith("s2")]
    assert "builtin-shadowing" in row
    assert "FAIL" in row
    assert "+2" in row
    assert "1 would go up, 0 down, 1 same" in ended.out
    assert "--yes" in ended.err
    assert points(grader) == {"s1": 2.0, "s2": 0.0}


@pytest.mark.parametrize("folder", ["late", "submissions"])
def test_with_a_yes_all_marks_of_the_assignment_stand_on_the_edited_rubric(
    edited: Path, grader, folder: str
) -> None:
    ended = grader("run", folder, "--rubric", "mini", "--yes")
    assert ended.code == 0
    assert "2 marks were judged again by the edited rubric" in ended.out
    assert {name: points(grader)[name] for name in ("s1", "s2")} == {"s1": 2.0, "s2": 2.0}
    again = grader("run", folder, "--rubric", "mini")
    assert (again.code, "judged again" in again.out) == (0, False)


def test_an_edit_that_changes_no_mark_asks_nobody_and_asks_once(edited: Path, grader) -> None:
    course.write_rubric(edited / "rubrics", course.RUBRIC.replace("A small lab", "A small lab, 2026"))
    ended = grader("run", "late", "--rubric", "mini")
    assert ended.code == 0
    assert "2 marks were judged again by the edited rubric" in ended.out
    assert points(grader) == {"s1": 2.0, "s2": 0.0, "s3": 0.0}
    assert "judged again" not in grader("run", "late", "--rubric", "mini").out


def test_a_new_file_is_judged_for_the_first_time_and_no_mark_of_others(edited: Path, grader) -> None:
    course.hand_in(edited / "again", "s2", course.SHADOWING, "x = 1")
    ended = grader("run", "again", "--rubric", "mini")
    assert ended.code == 0
    assert points(grader) == {"s1": 2.0, "s2": 2.0}


def test_a_mark_that_a_person_gave_stays(edited: Path, grader) -> None:
    grader("mark", "s2", "-a", "mini", "-c", "builtin-shadowing", "-p", "1")
    grader("run", "late", "--rubric", "mini", "--yes")
    assert points(grader)["s2"] == 1.0


def test_who_is_dropped_is_not_asked_about(edited: Path, grader) -> None:
    grader("drop", "s2", "-a", "mini", "--reason", "no student", "--yes")
    ended = grader("run", "late", "--rubric", "mini")
    assert ended.code == 0
    assert "s2" not in ended.out


def test_a_rubric_that_asks_for_other_evidence_says_whose_notebooks_run_again(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", course.RUBRIC + "training: {mode: full}\n")
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 2
    assert "run again, because it asks for what was not recorded, and may change: s1, s2" in ended.out
    assert grader("run", "submissions", "--rubric", "mini", "--yes").code == 0
    rows = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    assert {row["attempt"] for row in rows} == {2}


@pytest.mark.parametrize(
    ("image", "said"), [("bubblewrap", "all of them done before"), ("fake:rebuilt", "2 to run")]
)
def test_another_sandbox_repeats_nothing_and_a_rebuilt_image_does(
    graded: Path, grader, monkeypatch: pytest.MonkeyPatch, image: str, said: str
) -> None:
    box = course.sandbox()
    box.image = image  # type: ignore[attr-defined]
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: box)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 0
    assert said in ended.err
