from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests import course


def test_regrade_tells_before_it_writes(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", course.KINDER)
    ended = grader("regrade", "--assignment", "mini", "--rubric", "mini", "--dry-run")
    assert ended.code == 0
    [change] = [line for line in ended.out.splitlines() if line.startswith("s2")]
    assert change.split() == ["s2", "builtin-shadowing", "FAIL", "0", "PASS", "2", "+2"]
    assert "1 would go up, 0 down, 1 same" in ended.out
    assert json.loads(grader("show", "s2", "-a", "mini", "--json").out)["points"] == 0.0
    assert "1 went up, 0 down, 1 same" in grader("regrade", "-a", "mini", "--rubric", "mini").out
    assert json.loads(grader("show", "s2", "-a", "mini", "--json").out)["points"] == 2.0
    assert "0 went up, 0 down, 2 same" in grader("regrade", "-a", "mini").out


def test_history_tells_which_criteria_a_verdict_changed(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", BOTH)
    grader("regrade", "-a", "mini")
    changes = [
        "builtin-shadowing: FAIL 0 of 2 -> PASS 2 of 2",
        "why-not: not there -> NEEDS_TA 0 of 3",
        "why: NEEDS_TA 0 of 3 -> not there",
    ]
    history = json.loads(grader("show", "s2", "-a", "mini", "--history", "--json").out)["history"]
    assert [row["changes"] for row in history if row["kind"] == "verdicts"] == [[], changes]
    assert "; ".join(changes) in grader("show", "s2", "-a", "mini", "--history").out


def test_regrade_names_whom_it_could_not_judge_in_lines_of_their_own(graded: Path, grader) -> None:
    evidence = json.loads(grader("show", "s2", "-a", "mini", "--why", "--json").out)["stands_on"]["evidence"]
    [path] = (graded / "grader.db.evidence").rglob(f"{evidence[2:]}*")
    path.unlink()
    ended = grader("regrade", "-a", "mini")
    assert ended.code == 1
    assert "s2: not judged: " in ended.out
    assert "\\n" not in ended.out


def test_regrade_takes_the_edited_rubric_and_says_so(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", course.KINDER)
    ended = grader("regrade", "-a", "mini")
    assert "1 went up, 0 down, 1 same" in ended.out
    assert "judged by rubrics/mini.yaml (" in ended.out
    assert "judged by rubrics/mini.yaml (" in grader("regrade", "s1", "-a", "mini", "--rerun").out


BOTH = course.KINDER.replace("id: why", "id: why-not")


def test_regrade_of_one_criterion_leaves_alone_those_whose_criterion_stays(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", BOTH)
    only = ["regrade", "-a", "mini", "--criterion", "builtin-shadowing"]
    foretold, told = grader(*only, "--dry-run").out.splitlines(), grader(*only).out.splitlines()
    assert [line.split()[:2] for line in told[:2]] == [["student", "criterion"], ["s2", "builtin-shadowing"]]
    assert told[2:5] == [
        "1 went up, 0 down, 0 same",
        "with 'builtin-shadowing' come 2 changes of other criteria (why, why-not), counted above and listed"
        " without --criterion",
        "1 left alone: 'builtin-shadowing' stays as it is",
    ]
    assert (foretold[1], foretold[3:5]) == (told[1], told[3:5])
    verdicts = [
        grader("show", name, "-a", "mini", "--history").out.count("verdict:") for name in ("s1", "s2")
    ]
    assert verdicts == [1, 2]


def test_regrade_rerun_of_one_criterion_runs_only_whom_it_concerns(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", course.KINDER)
    only = ["regrade", "-a", "mini", "--criterion", "builtin-shadowing", "--rerun"]
    assert "1 left alone: 'builtin-shadowing' stays as it is" in grader(*only).out
    attempts = [
        json.loads(grader("show", name, "-a", "mini", "--json").out)["attempt"] for name in ("s1", "s2")
    ]
    assert attempts == [1, 2]
    assert grader(*only).out == "nothing to run again: 'builtin-shadowing' stays as it is\n"


def test_regrade_rerun_makes_new_attempts_from_stored_notebooks(graded: Path, grader) -> None:
    for path in (graded / "submissions").rglob("*.ipynb"):
        path.unlink()
    ended = grader("regrade", "s2", "--assignment", "mini", "--rerun")
    assert ended.code == 0
    assert "0 went up, 0 down, 1 same" in ended.out
    attempts = {
        name: json.loads(grader("show", name, "-a", "mini", "--json").out)["attempt"] for name in ("s1", "s2")
    }
    assert attempts == {"s1": 1, "s2": 2}


@pytest.mark.parametrize("raw", [b"no notebook", b""])
def test_regrade_rerun_leaves_a_broken_file_as_it_was_handed_in(lab: Path, grader, raw: bytes) -> None:
    course.hand_in(lab / "submissions", "s3", raw=raw)
    grader("run", "submissions", "--rubric", "mini")
    grader("regrade", "s3", "-a", "mini", "--rerun")
    with sqlite3.connect("grader.db") as connection:
        theirs = "SELECT notebook FROM submissions JOIN names ON token = student WHERE text = 's3'"
        kept = connection.execute(theirs).fetchall()
    connection.close()
    assert kept == [(hashlib.sha256(raw).hexdigest(),)]
    assert json.loads(grader("show", "s3", "-a", "mini", "--json").out)["attempt"] == 2


def test_regrade_says_whom_missing_evidence_concerns(graded: Path, grader) -> None:
    asking_more = course.RUBRIC.replace("total: 5", "total: 6") + (
        "  - id: size\n    title: Size\n    points: 1\n"
        "    check: parameter_count\n    target: {names: [net]}\n"
        "    expected: 386\n"
    )
    course.write_rubric(graded / "rubrics", asking_more)
    ended = grader("regrade", "-a", "mini", "--rubric", "mini")
    assert "evidence for size was never recorded for 2 submissions (s1, s2)" in ended.out
    assert "--rerun" in ended.out
