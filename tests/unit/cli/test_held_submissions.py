"""What could not be taken is no mark: nobody's zero goes out before a person has looked."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from tests import course

FORMATS = ("canvas", "markus", "gradescope", "nbgrader")


@pytest.fixture
def with_broken(lab: Path, grader) -> Path:
    """s1 and s2 as always, s3 with a page in place of a notebook, s4 with an empty folder."""
    course.hand_in(lab / "submissions", "s3", raw=b"<!DOCTYPE html><title>Sign in</title>")
    (lab / "submissions" / "s4").mkdir()
    assert grader("run", "submissions", "--rubric", "mini").code == 1
    return lab


def exported(grader) -> dict[str, dict]:
    out = grader("export", "json", "--assignment", "mini", "--out", "-").out
    return {row["student"]: row for row in json.loads(out)}


def test_json_holds_what_could_not_be_taken_and_only_that(with_broken: Path, grader) -> None:
    rows = exported(grader)
    assert rows["s3"]["held"] is True
    assert rows["s3"]["reason"]
    assert (rows["s3"]["points"], rows["s3"]["pending"], rows["s3"]["out_of"]) == (0.0, 5.0, 5.0)
    assert {item["status"] for item in rows["s3"]["criteria"]} == {"NEEDS_TA"}
    assert all("held" not in rows[student] for student in ("s1", "s2", "s4"))


def test_nothing_handed_in_is_a_settled_zero_that_is_told_apart(with_broken: Path, grader) -> None:
    row = exported(grader)["s4"]
    assert (row["points"], row["pending"]) == (0.0, 0.0)
    ended = grader("run", "submissions", "--rubric", "mini")
    [line] = [line for line in ended.out.splitlines() if line.startswith("s4")]
    assert "handed in nothing" in line
    assert "s4" in grader("export", "canvas", "--assignment", "mini", "--out", "-").out


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("more", [(), ("--include-pending",)])
def test_no_course_system_gets_a_number_and_the_command_says_who_and_why(
    with_broken: Path, grader, form: str, more: tuple[str, ...]
) -> None:
    ended = grader("export", form, "--assignment", "mini", "--out", "out", *more)
    written = Path("out").rglob("*") if Path("out").is_dir() else [Path("out")]
    assert not any(b"s3" in path.read_bytes() or "s3" in path.name for path in written)
    [line] = [line for line in ended.out.splitlines() if line.startswith("left out: s3")]
    assert "could not be taken" in line


def test_csv_leaves_the_points_blank_and_says_so(with_broken: Path, grader) -> None:
    ended = grader("export", "csv", "--assignment", "mini", "--out", "-")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(ended.out))}
    assert (rows["s3"]["points"], rows["s3"]["why"], rows["s3"]["pending"]) == ("", "", "5.0")
    assert rows["s4"]["points"] == "0.0"
    assert "no points yet: s3" in ended.err


def test_the_list_has_no_points_of_it_yet(with_broken: Path, grader) -> None:
    rows = {row["student"]: row for row in json.loads(grader("list", "--assignment", "mini", "--json").out)}
    assert (rows["s3"]["points"], rows["s3"]["out_of"], rows["s3"]["pending"]) == (None, 5.0, 5.0)
    assert rows["s4"]["points"] == 0.0
    assert "no points yet, 5 pending" in grader("show", "s3", "--assignment", "mini").out
    [line] = [
        each
        for each in grader("run", "submissions", "--rubric", "mini").out.splitlines()
        if each.startswith("s3")
    ]
    assert line.split()[3:6] == ["-", "5", "5"]


def test_marks_on_every_criterion_let_it_go(with_broken: Path, grader) -> None:
    grader("mark", "s3", "--assignment", "mini", "-c", "builtin-shadowing", "-p", "2")
    assert exported(grader)["s3"]["held"] is True
    grader("mark", "s3", "--assignment", "mini", "-c", "why", "-p", "1")
    assert "held" not in exported(grader)["s3"]
    assert "s3,3" in grader("export", "canvas", "--assignment", "mini", "--out", "-").out.replace(",,", ",")
    assert grader("run", "submissions", "--rubric", "mini").code == 0


def test_one_command_gives_nothing_knowingly_and_needs_a_reason(with_broken: Path, grader) -> None:
    assert grader("mark", "s3", "--assignment", "mini", "--zero").code == 2
    assert exported(grader)["s3"]["held"] is True
    ended = grader("mark", "s3", "--assignment", "mini", "--zero", "--comment", "no file after two mails")
    assert ended.code == 0
    row = exported(grader)["s3"]
    assert "held" not in row
    assert (row["points"], row["pending"]) == (0.0, 0.0)


def test_one_command_gives_nothing_to_a_notebook_that_was_taken(with_broken: Path, grader) -> None:
    ended = grader("mark", "s1", "--assignment", "mini", "--zero", "--comment", "by mistake")
    assert ended.code == 2
    assert exported(grader)["s1"]["points"] == 2.0


def test_class_figures_leave_it_out_and_say_so(with_broken: Path, grader) -> None:
    said = grader("summary", "--assignment", "mini").out
    assert "4 submissions, 3 judged" in said
    assert "1 submission could not be taken" in said


def test_a_zero_of_an_earlier_version_is_not_exported_and_waits_once_judged_again(
    with_broken: Path, grader
) -> None:
    as_before(with_broken / "grader.db")
    assert exported(grader)["s3"]["held"] is True
    assert "left out: s3" in grader("export", "canvas", "--assignment", "mini", "--out", "out").out
    ended = grader("regrade", "--assignment", "mini")
    assert ended.code == 0
    assert exported(grader)["s3"]["pending"] == 5.0


def test_a_run_of_this_version_judges_such_a_zero_again_once(with_broken: Path, grader) -> None:
    as_before(with_broken / "grader.db")
    for _ in range(2):
        grader("run", "submissions", "--rubric", "mini")
        assert exported(grader)["s3"]["pending"] == 5.0
    history = grader("show", "s3", "--assignment", "mini", "--history").out
    assert len([line for line in history.splitlines() if " points" in line]) <= 3


def as_before(database: Path) -> None:
    """Makes s3's verdict what earlier versions wrote: FAIL throughout, nothing pending."""
    with sqlite3.connect(database) as session:
        query = (
            "SELECT v.seq, v.body FROM verdicts v JOIN attempts a ON a.seq = v.attempt"
            " JOIN names n ON n.token = a.student WHERE n.text = 's3'"
        )
        [(seq, text)] = session.execute(query).fetchall()
        verdict = json.loads(text) | {"pending": 0.0}
        for finding in verdict["findings"]:
            finding |= {"status": "FAIL", "pending": 0.0}
        for (trigger,) in session.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'verdicts'"
        ).fetchall():
            session.execute(f"DROP TRIGGER {trigger}")
        session.execute("UPDATE verdicts SET body = ?, pending = 0 WHERE seq = ?", (json.dumps(verdict), seq))
