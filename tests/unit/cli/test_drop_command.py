"""A submission that should not be there: taken out of what counts, seen to be so, and brought back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import course

REASON = ("--reason", "a file name, no student")


@pytest.fixture
def dropped(graded: Path, grader) -> Path:
    """s2 is dropped."""
    assert grader("drop", "s2", "--assignment", "mini", *REASON, "--yes").code == 0
    return graded


def students(grader) -> list[str]:
    rows = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    return [row["student"] for row in rows]


def test_nothing_is_dropped_where_nobody_can_be_asked(graded: Path, grader) -> None:
    ended = grader("drop", "s2", "--assignment", "mini", *REASON)
    assert ended.code == 2
    assert "nothing was dropped" in ended.err
    assert "s2, mini: submissions/s2/lab.ipynb, 0 of 5 points" in ended.out
    assert students(grader) == ["s1", "s2"]


def test_a_drop_needs_a_reason(graded: Path, grader) -> None:
    assert grader("drop", "s2", "--assignment", "mini", "--yes").code == 2
    assert students(grader) == ["s1", "s2"]


def test_a_dropped_submission_is_in_no_figure_and_no_list(dropped: Path, grader) -> None:
    assert students(grader) == ["s1"]
    summary = grader("summary", "--assignment", "mini").out
    assert "1 submission, 1 judged" in summary
    assert "1 submission dropped by a person" in summary
    assert "s2" not in grader("pending", "--assignment", "mini").out
    grader("report", "--assignment", "mini", "--out", "pages")
    assert [path.name for path in Path("pages").iterdir()] == ["s1.html"]
    assert "s2" not in grader("regrade", "--assignment", "mini").out


@pytest.mark.parametrize("form", ["csv", "canvas", "markus", "nbgrader", "gradescope"])
def test_an_export_leaves_it_out_and_says_by_whose_word(dropped: Path, grader, form: str) -> None:
    ended = grader("export", form, "--assignment", "mini", "--include-pending", "--out", "out")
    written = Path("out").rglob("*") if Path("out").is_dir() else [Path("out")]
    assert not any(b"s2" in path.read_bytes() or "s2" in path.name for path in written)
    [line] = [line for line in ended.out.splitlines() if line.startswith("left out: s2")]
    assert "dropped by ta" in line
    assert "a file name, no student" in line


def test_a_roster_does_not_say_that_a_dropped_student_handed_in_nothing(dropped: Path, grader) -> None:
    Path("roster.csv").write_text("student,name\ns1,Ann\ns2,Bob\ns3,Cid\n")
    out = grader("export", "canvas", "--assignment", "mini", "--roster", "roster.csv", "--out", "out").out
    assert "left out: s3: handed in nothing" in out
    assert "left out: s2: handed in nothing" not in out


def test_show_tells_who_when_and_why_and_the_way_back(dropped: Path, grader) -> None:
    shown = grader("show", "s2", "--assignment", "mini", "--history").out
    assert "dropped by ta, 20" in shown
    assert "a file name, no student; it counts nowhere" in shown
    assert "grader drop s2 --assignment mini --undo" in shown
    assert "dropped: a file name, no student" in shown.splitlines()[-1]
    plain = json.loads(grader("show", "s2", "--assignment", "mini", "--json").out)
    assert (plain["dropped"]["by"], plain["dropped"]["why"]) == ("ta", "a file name, no student")


def test_a_list_names_all_that_are_dropped(dropped: Path, grader) -> None:
    [head, row] = grader("drop", "--assignment", "mini").out.splitlines()
    assert row.startswith("s2")
    assert head.split() == ["student", "what"]


def test_another_run_says_that_it_is_dropped_and_brings_nothing_back(dropped: Path, grader) -> None:
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if line.startswith("left out: s2")]
    assert "dropped by ta" in line
    assert "--undo" in line
    assert students(grader) == ["s1"]


def test_a_new_file_under_a_dropped_name_is_told_and_not_taken(dropped: Path, grader) -> None:
    course.hand_in(dropped / "submissions", "s2", course.GOOD)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 1
    assert "not graded: submissions/s2/lab.ipynb: a new file of s2" in ended.out
    assert students(grader) == ["s1"]


def test_a_folder_of_dropped_submissions_alone_runs_nothing(dropped: Path, grader) -> None:
    ended = grader("run", "submissions/s2", "--student", "s2", "--rubric", "mini")
    assert ended.code == 0
    assert "left out: s2" in ended.out


def test_it_can_be_taken_back_with_all_that_was_there(dropped: Path, grader) -> None:
    assert grader("drop", "s2", "--assignment", "mini", "--undo").code == 2
    ended = grader("drop", "s2", "--assignment", "mini", "--undo", "--reason", "a student after all")
    assert ended.code == 0
    assert students(grader) == ["s1", "s2"]
    assert "dropped by" not in grader("show", "s2", "--assignment", "mini").out
    assert "brought back: a student after all" in grader("show", "s2", "-a", "mini", "--history").out
    assert grader("audit").code == 0


def test_what_is_dropped_cannot_be_marked_or_dropped_again(dropped: Path, grader) -> None:
    for command in (
        ("mark", "s2", "-a", "mini", "-c", "why", "-p", "1"),
        ("drop", "s2", "-a", "mini", *REASON, "--yes"),
        ("remark", "open", "s2", "-a", "mini", "-c", "why", "-m", "look", "--accept"),
        ("regrade", "s2", "-a", "mini"),
    ):
        ended = grader(*command)
        assert ended.code == 2, command
        assert "dropped by ta" in ended.err, command


def test_a_submission_with_an_open_request_is_not_dropped(graded: Path, grader) -> None:
    grader("remark", "open", "s2", "-a", "mini", "-c", "builtin-shadowing", "-m", "look", "--accept")
    ended = grader("drop", "s2", "--assignment", "mini", *REASON, "--yes")
    assert ended.code == 2
    assert "is open" in ended.err
    assert students(grader) == ["s1", "s2"]


def test_a_pseudonym_stays_one_in_the_refusal(dropped: Path, grader) -> None:
    listed = grader("pending", "--assignment", "mini", "--anonymous").out
    assert "anon-" in listed
    grader("drop", "s2", "-a", "mini", "--undo", "-m", "back")
    rows = grader("pending", "--assignment", "mini", "--anonymous").out.splitlines()[1:]
    names = {row.split()[1] for row in rows} - {line.split()[1] for line in listed.splitlines()[1:]}
    [name] = names
    grader("drop", "s2", "-a", "mini", *REASON, "--yes")
    ended = grader("mark", name, "-a", "mini", "-c", "why", "-p", "1")
    assert name in ended.err
    assert "s2" not in ended.err
