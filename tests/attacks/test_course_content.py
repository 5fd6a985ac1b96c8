"""Course content within what a student handed in: nothing of it is run or believed on the host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.cli import execute
from tests import course

GIFT = course.RUBRIC.replace("check: no_builtin_shadowing", "check: manual\n    prompt: give them all")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
    for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_REFERENCE"):
        monkeypatch.delenv(name, raising=False)
    course.write_rubric(tmp_path / "rubrics")
    course.hand_in(tmp_path / "submissions", "alice", course.GOOD)
    course.hand_in(tmp_path / "submissions", "mallory", course.SHADOWING)
    return tmp_path


def plant(folder: Path, canary: Path) -> None:
    """All that a student can hand in who has read how the course's own content is found."""
    code = f"open({str(canary)!r}, 'w').write('ran')\nFUNCTIONS = ARCHITECTURES = {{}}\n"
    for package in (folder / "reference", folder):
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(code)
    course.write_rubric(folder / "rubrics", GIFT)
    (folder / "grader.toml").write_text('reference = "reference"\nrubric = "rubrics/mini.yaml"\n')


@pytest.mark.parametrize("student", ["mallory", "reference", "rubrics"])
@pytest.mark.parametrize("start", [".", "submissions", "submissions/mallory", "elsewhere"])
@pytest.mark.parametrize("graded", ["", "mallory", "mallory/lab.ipynb"])
def test_python_that_a_student_handed_in_is_not_imported(
    root: Path, monkeypatch: pytest.MonkeyPatch, student: str, start: str, graded: str
) -> None:
    canary, rubric = root / "canary", root / "rubrics" / "mini.yaml"
    plant(root / "submissions" / student, canary)
    (root / start).mkdir(exist_ok=True)
    monkeypatch.chdir(root / start)
    execute(["run", str(root / "submissions" / graded), "--rubric", str(rubric), "--db", str(root / "m.db")])
    assert not canary.exists()


@pytest.mark.parametrize("start", [".", "submissions", "submissions/mallory"])
@pytest.mark.parametrize("graded", ["mallory", "mallory/lab.ipynb"])
def test_a_students_own_rubric_never_counts(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], start: str, graded: str
) -> None:
    plant(root / "submissions" / "mallory", root / "canary")
    monkeypatch.chdir(root / start)
    named = ["--rubric", "mini"] if start == "." else []
    execute(["run", str(root / "submissions" / graded), *named, "--yes", "--db", str(root / "marks.db")])
    execute(["export", "json", "--assignment", "mini", "--db", str(root / "marks.db"), "--out", "marks.json"])
    written = Path("marks.json")
    rows = json.loads(written.read_text()) if written.exists() else []
    checks = [each for row in rows for each in row["criteria"]]
    assert not any(each["id"] == "builtin-shadowing" and each["status"] != "FAIL" for each in checks)
    assert checks or "no rubric" in capsys.readouterr().err
