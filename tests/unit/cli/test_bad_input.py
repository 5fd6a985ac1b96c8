"""Bad input gets one clear message and exit code 2 (1 where it is our fault), and never a traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from grader.workflows.running import patience
from grader.workflows.running.stopping import STOPS
from tests import course


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere"], "there is nothing here"),
        (["run", "empty", "--rubric", "mini"], "no notebooks"),
        (["run", "submissions", "--rubric", "mimi"], "no rubric is called 'mimi'; did you mean 'mini'?"),
        (["run", "submissions", "--rubric", "absent.yaml"], "absent.yaml"),
        (["run", "submissions", "--rubric", "mini", "--jobs", "0"], "--jobs"),
        (["run", "submissions", "--rubric", "mini", "--jobs", "many"], "--jobs"),
        (["run", "submissions", "--rubric", "mini", "--training", "some"], "'budget' or 'full'"),
        (["run", "submissions", "--rubric", "mini", "--sandbox", "none"], "'auto', 'docker' or 'bubblewrap'"),
        (["run", "submissions", "--rubric", "mini", "--format", "canvsa"], "canvas"),
        (["run", "submissions", "--rubric", "mini", "--db", "no/folder/grader.db"], "folder of the database"),
        (["run", "submissions", "--rubric", "mini", "--db", "submissions"], "the database is a folder"),
        (["run", "submissions", "--rubric", "mini", "--reference", "submissions"], "no reference folder"),
        (["run", "submissions"], "--rubric"),
        (["show", "s1", "--assignment", "mini"], "run `grader run SUBMISSIONS` first ("),
        (["export", "json", "--assignment", "mini", "--out", "x"], "no database"),
        (["export", "xml", "--assignment", "mini", "--out", "x"], "xml"),
        (["show", "s1"], "--assignment"),
        (["frobnicate"], "frobnicate"),
        (["audit", "--expect", "nonsense"], "no seal"),
        (["audit", "--expect", "²:a"], "no seal"),
        (["rubric", "handout", "rubrics/mini.yaml"], "not JSON"),
        (["rubric", "handout", "list.ipynb"], "the handout is no notebook"),
        (["check", "manual", "list.ipynb", "--with", "prompt=x", "--handout", "broken.ipynb"], "no notebook"),
        (["check", "manual", "list.ipynb", "--with", "prompt=x", "--handout", "list.ipynb"], "no notebook"),
    ],
)
def test_a_usage_error_is_one_message_and_exit_code_2(
    lab: Path, grader, arguments: list[str], said: str
) -> None:
    (lab / "empty").mkdir()
    (lab / "broken.ipynb").write_text("{")
    (lab / "list.ipynb").write_text("[]")
    ended = grader(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (lab / "grader.db").exists() or arguments[0] == "run"


@pytest.mark.parametrize(
    ("rubric", "said"),
    [
        (course.RUBRIC.replace("no_builtin_shadowing", "no_builtin_shadow"), "mini.yaml:8: unknown check"),
        (course.RUBRIC.replace("points: 2", "point: 2"), "mini.yaml:7: unknown key 'point'"),
        (course.RUBRIC.replace("total: 5", "total: 6"), "add up to 5"),
        ("assignment: [", "mini.yaml:"),
    ],
)
def test_a_rubric_with_mistakes_is_named_with_its_line(lab: Path, grader, rubric: str, said: str) -> None:
    course.write_rubric(lab / "rubrics", rubric)
    for ended in (grader("run", "submissions", "--rubric", "mini"), grader("rubric", "check", "mini")):
        assert ended.code == 2
        assert said in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('rubrik = "mini"', "grader.toml: unknown key 'rubrik'; did you mean 'rubric'?"),
        ("jobs = 0", "grader.toml: jobs"),
        ('isolation = "forks"', "'fork' or 'container'"),
        ("jobs = ", "TOML"),
    ],
)
def test_a_mistake_in_grader_toml_is_named(lab: Path, grader, toml: str, said: str) -> None:
    (lab / "grader.toml").write_text(toml)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 2
    assert said in ended.err


def test_missing_data_says_how_to_get_it(lab: Path, grader) -> None:
    course.write_rubric(lab / "rubrics", course.RUBRIC.replace("total: 5", "total: 5\ndata: [cifar10]"))
    ended = grader("run", "submissions", "--rubric", "mini", "--data", "data")
    assert ended.code == 2
    assert "grader data cifar10 data" in ended.err


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_a_row_of_its_own(lab: Path, grader, raw: bytes) -> None:
    course.hand_in(lab / "submissions", "s3", raw=raw)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 1
    [row] = [line for line in ended.out.splitlines() if line.startswith("s3")]
    assert "INVALID_SUBMISSION" in row
    assert "1 submission could not be taken" in ended.out


def test_no_docker_engine_says_what_to_do(lab: Path) -> None:
    program = [sys.executable, "-c", "from grader.cli import main; main()"]
    ended = subprocess.run(
        [*program, "run", "submissions", "--rubric", "mini", "--sandbox", "docker"],
        env=os.environ | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "to do:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_locked_database_says_so(graded: Path, grader, monkeypatch) -> None:
    monkeypatch.setenv("GRADER_BUSY_TIMEOUT_S", "0.05")
    monkeypatch.setattr(patience, "LONGEST_S", 0.1)
    monkeypatch.setattr(patience, "_PAUSE_S", 0.01)
    holder = sqlite3.connect("grader.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ended = grader("run", "submissions", "--rubric", "mini")
    holder.close()
    assert ended.code == 2
    assert "locked by another program" in ended.err


@pytest.mark.parametrize(
    "command", [["run", "submissions", "--rubric", "mini"], ["show", "s1", "-a", "mini"]]
)
def test_a_newer_database_is_refused(graded: Path, grader, command: list[str]) -> None:
    with sqlite3.connect("grader.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    ended = grader(*command)
    assert ended.code == 2
    assert "newer version of the grader" in ended.err


@pytest.mark.parametrize(
    "student", ["'; DROP TABLE marks; --", "-rf", "x" * 200, "naïve student", "a\u202eb"]
)
def test_odd_ids_are_stored_literally(lab: Path, grader, student: str) -> None:
    course.hand_in(lab / "submissions", student, course.GOOD)
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    with sqlite3.connect("grader.db") as connection:
        stored = [
            row[0] for row in connection.execute("SELECT text FROM attempts JOIN names ON token = student")
        ]
    connection.close()
    assert len(stored) == 3
    assert grader("show", "--assignment", "mini", "--", next(iter(set(stored) - {"s1", "s2"}))).code == 0


def test_an_unknown_error_is_one_line_and_shows_itself_with_debug(lab: Path, grader, monkeypatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("grader.workflows.running.grade_folder.find_submissions", crash)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "unexpected ZeroDivisionError: a mistake of ours",
        "  to do: run again with --debug",
    ]
    assert "Traceback" in grader("run", "submissions", "--rubric", "mini", "--debug").err


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_command_that_is_asked_to_stop_ends_as_by_ctrl_c_with_what_it_began_removed(
    tmp_path: Path, number: signal.Signals
) -> None:
    # What started the tests may ignore some of these, as a shell does for a job in the background.
    program = f"""
import os, signal, time
from grader.cli import entry

signal.signal({int(number)}, signal.SIG_DFL)

def long_work(*_, **__):
    open("begun", "w").close()
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(60)
    finally:
        os.remove("begun")

entry.app = long_work
entry.main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (130, "stopped\n")
    assert list(tmp_path.iterdir()) == []
