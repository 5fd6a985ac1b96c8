from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import RubricError, UsageError
from grader.store import Store
from grader.workflows.regrading.chosen_rubric import choose_rubric
from tests import course

KINDER = course.RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]")


def test_the_courses_own_file_is_newer_than_what_the_history_kept(graded: Store, tmp_path: Path) -> None:
    path = course.write_rubric(tmp_path / "rubrics", KINDER)
    chosen = choose_rubric(graded, "mini", None, [tmp_path])
    assert chosen.loaded.text == KINDER
    assert chosen.said.startswith(
        f"{path} ({chosen.loaded.rubric.digest[:12]}); the newest verdicts stood on"
    )


def test_an_unchanged_file_is_said_to_be_no_other(graded: Store, tmp_path: Path) -> None:
    course.write_rubric(tmp_path / "rubrics")
    assert "newest verdicts" not in choose_rubric(graded, "mini", None, [tmp_path]).said


@pytest.mark.parametrize(
    ("name", "text"),
    [("draft.yaml", KINDER), ("mini.yaml", KINDER.replace("assignment: mini", "assignment: other"))],
)
def test_a_file_of_another_name_or_lab_judges_nobody(
    graded: Store, tmp_path: Path, name: str, text: str
) -> None:
    course.write_rubric(tmp_path / "rubrics", text, name)
    chosen = choose_rubric(graded, "mini", None, [tmp_path])
    assert chosen.loaded.text == course.RUBRIC
    assert "as the history holds it; a file that you changed judges with --rubric FILE" in chosen.said


def test_a_broken_file_is_not_passed_over(graded: Store, tmp_path: Path) -> None:
    course.write_rubric(tmp_path / "rubrics", KINDER.replace("points: 2", "points: two"))
    with pytest.raises(RubricError, match="points"):
        choose_rubric(graded, "mini", None, [tmp_path])


def test_a_bundled_rubric_of_the_name_is_told_and_judges_only_when_named(
    graded: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.workflows.regrading.chosen_rubric.bundled", lambda _: tmp_path / "bundled")
    monkeypatch.setattr("grader.workflows.regrading.rubrics.bundled", lambda _: tmp_path / "bundled")
    course.write_rubric(tmp_path / "bundled", KINDER)
    chosen = choose_rubric(graded, "mini", None)
    assert chosen.loaded.text == course.RUBRIC
    assert "the bundled mini is another one, and judges with --rubric mini" in chosen.said
    assert choose_rubric(graded, "mini", "mini").loaded.text == KINDER


def test_another_labs_rubric_is_refused(graded: Store, tmp_path: Path) -> None:
    path = course.write_rubric(tmp_path, KINDER.replace("assignment: mini", "assignment: other"), "o.yaml")
    with pytest.raises(UsageError, match="another assignment"):
        choose_rubric(graded, "mini", str(path))
