"""The sample course, graded from the command line in a real sandbox: each student gets what is deserved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker


def grader(*arguments, cwd):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GRADER_")}
    command = [Path(sys.executable).with_name("grader"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "course"
    assert grader("demo", str(folder), cwd=folder.parent).returncode == 0
    return folder


@pytest.fixture(scope="module")
def marks(course):
    """Exported marks by assignment and student."""
    graded = {}
    for assignment in ("convolution", "pets"):
        run = grader("run", f"submissions/{assignment}", cwd=course)
        assert run.returncode == (assignment == "convolution"), run.stdout + run.stderr
        grader("export", "json", "--assignment", assignment, "--out", "marks.json", cwd=course)
        rows = json.loads((course / "marks.json").read_text())
        graded[assignment] = {row["student"]: row for row in rows}
    return graded


def statuses(row):
    return {criterion["id"]: criterion["status"] for criterion in row["criteria"]}


def test_the_best_student_lacks_only_what_a_ta_judges(marks):
    for assignment, by_ta in (("convolution", "why-convolution"), ("pets", "choice-justified")):
        row = marks[assignment]["ada"]
        assert row["points"] + row["pending"] == row["out_of"]
        assert {name for name, status in statuses(row).items() if status != "PASS"} == {by_ta}


def test_reused_weights_are_found_with_the_object_and_in_new_objects(marks):
    rows = marks["pets"]
    found = {student: statuses(row)["fresh-weights"] for student, row in rows.items()}
    assert found == {"ada": "PASS", "ben": "FAIL", "chloe": "FAIL", "dev": "PASS"}


def test_usual_mistakes_of_the_convolution_lab_are_named(marks):
    criteria = {criterion["id"]: criterion for criterion in marks["convolution"]["ben"]["criteria"]}
    assert "flipped" in criteria["conv2d"]["message"]
    assert criteria["average-pool2d"]["status"] == "FAIL"
    names = {use["name"] for shown in criteria["builtin-shadowing"]["exhibits"] for use in shown["names"]}
    assert names == {"max", "sum"}


def test_the_library_is_no_answer_where_loops_were_asked_for(marks):
    found = statuses(marks["convolution"]["chloe"])
    assert (found["conv2d"], found["written-by-hand"], found["vectorized"]) == ("PASS", "FAIL", "FAIL")


def test_prose_in_a_code_cell_costs_only_its_own_part(marks):
    row = marks["convolution"]["dev"]
    found = statuses(row)
    assert row["outcome"] == "CELL_ERROR"
    assert (found["conv2d-multichannel"], found["output-units"]) == ("FAIL", "PASS")


def test_a_forger_earns_nothing_and_the_next_student_loses_nothing(marks):
    rows = marks["convolution"]
    # What ends its kernel ends its cell only.
    assert rows["eve"]["outcome"] == "CELL_ERROR"
    assert statuses(rows["eve"])["conv2d"] in ("FAIL", "NEEDS_TA")


def test_what_could_not_be_taken_is_no_zero_but_waits(marks):
    for student in ("finn", "gil"):
        row = marks["convolution"][student]
        assert (row["outcome"], row["held"]) == ("INVALID_SUBMISSION", True)
        assert row["pending"] == row["out_of"]
