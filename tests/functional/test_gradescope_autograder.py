"""The autograder for Gradescope, with the folders that Gradescope makes and a sandbox that runs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import course

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
import grader.sandbox.select as select
from tests import course
def choose(*_, **__):
    return course.sandbox({reply})
select.choose_sandbox = choose
import grader.workflows.running.execution as execution
execution._PAUSE_S = 0
from grader.cli import main
main()
"""


@pytest.fixture
def autograder(tmp_path: Path) -> Path:
    folder = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (folder / name).mkdir(parents=True)
    course.write_rubric(folder / "source" / "rubrics")
    (folder / "source" / "assignment").write_text("mini\n")
    return folder


def run(autograder: Path, reply: str = "") -> subprocess.CompletedProcess[str]:
    program = autograder.parent / "grader"
    program.write_text(PROGRAM.format(python=sys.executable, root=str(ROOT), reply=reply))
    program.chmod(0o755)
    given = {"GRADER_AUTOGRADER_ROOT": str(autograder), "GRADER_PROGRAM": str(program)}
    return subprocess.run(
        [ROOT / "docker" / "gradescope" / "run_autograder"],
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


LATE = course.RUBRIC + "late: {due: 2026-02-02T12:00:00Z, per_day: 0.2, days: {excused@example.com: 0}}\n"


def metadata(autograder: Path, **known: object) -> None:
    """As the service finds it, by Gradescope's documentation."""
    course.write_rubric(autograder / "source" / "rubrics", LATE)
    user = {"email": "jane@example.com", "id": 1234, "name": "Jane Doe"}
    given = {"id": 1, "created_at": "2026-02-03T10:22:32.365935-07:00", "users": [user], **known}
    (autograder / "submission_metadata.json").write_text(json.dumps(given))


def results(autograder: Path) -> dict:
    return json.loads((autograder / "results" / "results.json").read_text())


def test_a_submission_becomes_results(autograder: Path) -> None:
    (autograder / "submission" / "my lab.ipynb").write_bytes(course.notebook(course.GOOD))
    ended = run(autograder)
    assert ended.returncode == 0, ended.stderr
    found = results(autograder)
    assert found["score"] == 2.0
    assert [test["name"] for test in found["tests"]] == ["Builtins are left alone", "Says why"]
    assert "3 points wait for a TA" in found["output"]


def test_what_could_not_be_taken_gets_no_number_and_the_instructor_is_told_why(autograder: Path) -> None:
    (autograder / "submission" / "lab.ipynb").write_text("{not json")
    ended = run(autograder)
    assert ended.returncode == 1
    assert not (autograder / "results" / "results.json").exists()
    assert "could not be taken" in ended.stdout
    assert "JSON" in ended.stdout


def test_a_notebook_in_a_zip_is_graded(autograder: Path) -> None:
    with zipfile.ZipFile(autograder / "submission" / "hand-in.zip", "w") as packed:
        packed.writestr("lab/lab.ipynb", course.notebook(course.GOOD))
    assert run(autograder).returncode == 0
    assert results(autograder)["score"] == 2.0


def test_our_own_fault_gives_no_results_and_an_old_one_is_gone(autograder: Path) -> None:
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    (autograder / "results" / "results.json").write_text('{"score": 5}')
    ended = run(autograder, reply="lambda job: RuntimeError('no namespaces here')")
    assert ended.returncode == 1
    assert not (autograder / "results" / "results.json").exists()
    assert "no namespaces here" in ended.stdout + ended.stderr


def test_a_rubric_that_is_not_there_is_said(autograder: Path) -> None:
    (autograder / "source" / "assignment").write_text("lab9\n")
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    ended = run(autograder)
    assert ended.returncode == 2
    assert "no rubric is called 'lab9'" in ended.stderr


def test_what_comes_late_costs_what_the_rubric_says_whatever_the_student_dates_it(autograder: Path) -> None:
    metadata(autograder)
    (autograder / "submission" / "timestamp.txt").write_text("2026-02-01 00:00:00 UTC")
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    assert run(autograder).returncode == 0
    assert results(autograder)["score"] == 0.0
    assert "2 days late" in results(autograder)["output"]


def test_an_extension_in_the_rubric_goes_by_the_students_address(autograder: Path) -> None:
    metadata(autograder, users=[{"email": "excused@example.com"}])
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    assert run(autograder).returncode == 0
    assert results(autograder)["score"] == 2.0


@pytest.mark.parametrize("users", [[{"sid": "../../etc", "email": None}], "x"])
def test_without_a_usable_address_it_is_graded_all_the_same(autograder: Path, users: object) -> None:
    metadata(autograder, users=users)
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    assert run(autograder).returncode == 0
    assert "score" in results(autograder)


def test_without_a_time_nothing_is_late_and_it_is_said(autograder: Path) -> None:
    metadata(autograder, created_at=None)
    (autograder / "submission" / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
    ended = run(autograder)
    assert "no time of handing in is known" in ended.stderr
    assert results(autograder)["score"] == 2.0
