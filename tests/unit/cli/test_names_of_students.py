"""Names that computers write in several ways: nobody gets a zero for them, and nobody another one's mark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import course

#: The same name to a reader: é as one character, and as a letter with an accent behind it.
ONE, OTHER = "jos\u00e9", "jose\u0301"


@pytest.fixture
def odd_class(lab: Path, grader) -> Path:
    """s1 and s2 as always, twins, two notebooks of one student, and a linked folder."""
    folder = lab / "submissions"
    course.hand_in(folder, ONE, course.GOOD)
    (folder / OTHER).mkdir()
    course.hand_in(folder, "two", course.GOOD)
    (folder / "two" / "other.ipynb").write_bytes(course.notebook(course.SHADOWING))
    course.hand_in(lab / "elsewhere", "linked", course.GOOD)
    (folder / "linked").symlink_to(lab / "elsewhere" / "linked")
    return lab


def test_each_waits_for_a_person_in_one_row_and_none_has_a_settled_zero(odd_class: Path, grader) -> None:
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 1
    rows = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    held = {row["student"]: row["pending"] for row in rows if row.get("held")}
    assert held == {ONE: 5.0, "two": 5.0, "linked": 5.0}
    assert len(rows) == 5
    waiting = grader("pending", "--assignment", "mini").out
    for said in (ascii(f"{ONE}/lab.ipynb"), ascii(OTHER), "two/lab.ipynb", "two/other.ipynb", "link"):
        assert said in waiting


def test_either_way_of_writing_finds_the_student(odd_class: Path, grader) -> None:
    grader("run", "submissions", "--rubric", "mini")
    shown = {grader("show", name, "--assignment", "mini").out for name in (ONE, OTHER)}
    assert len(shown) == 1
    assert ONE in shown.pop()


def test_a_student_has_one_id_whatever_the_locale(lab: Path) -> None:
    course.hand_in(lab / "submissions", OTHER, course.GOOD)
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from grader.cli import main; main()",
            "intake",
            "submissions",
            "--rubric",
            "mini",
        ],
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[3])}
        | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert ONE in ended.stdout.decode("utf-8")
