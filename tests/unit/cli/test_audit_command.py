from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests import course


def test_audit_prints_a_seal_that_a_later_audit_can_be_held_to(graded: Path, grader) -> None:
    ended = grader("audit")
    assert ended.code == 0
    seal = ended.out.split()[-1]
    assert grader("audit", "--expect", seal).code == 0
    grader("run", "submissions", "--rubric", "mini", "--fresh")
    assert grader("audit", "--expect", seal).code == 0
    assert grader("audit", "--expect", seal[:-1] + ("0" if seal[-1] != "0" else "1")).code == 1


def test_audit_finds_a_mark_changed_in_the_file(graded: Path, grader) -> None:
    with sqlite3.connect("grader.db") as connection:
        connection.execute("DROP TRIGGER verdicts_no_update")
        connection.execute("UPDATE verdicts SET points = 5.0")
    connection.close()
    ended = grader("audit")
    assert ended.code == 1
    assert "broken at row" in ended.out
    assert "verdicts can be changed" in ended.out


@pytest.mark.parametrize("body", ["{}", "no JSON", '{"points": 99}'])
def test_a_verdict_that_was_made_unreadable_is_a_matter_for_audit(graded: Path, grader, body: str) -> None:
    with sqlite3.connect("grader.db") as connection:
        connection.execute("DROP TRIGGER verdicts_no_update")
        connection.execute("UPDATE verdicts SET body = ?", [body])
    connection.close()
    ended = grader("show", "s1", "-a", "mini")
    assert ended.code == 1
    assert "cannot be read; `grader regrade` judges again" in ended.out
    assert "`grader audit` tells whether it was changed after it was written" in ended.out


def test_an_older_verdict_that_was_made_unreadable_is_told_with_the_history(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", course.KINDER)
    assert grader("regrade", "-a", "mini").code == 0
    with sqlite3.connect("grader.db") as connection:
        connection.execute("DROP TRIGGER verdicts_no_update")
        connection.execute("UPDATE verdicts SET body = '{}' WHERE seq = (SELECT min(seq) FROM verdicts)")
        [[student]] = connection.execute(
            "SELECT text FROM attempts JOIN names ON token = student"
            " WHERE seq = (SELECT attempt FROM verdicts ORDER BY seq LIMIT 1)"
        )
    connection.close()
    assert grader("show", student, "-a", "mini").code == 0
    ended = grader("show", student, "-a", "mini", "--history")
    assert ended.code == 0
    assert "verdict: it cannot be read; `grader audit` tells whether it was changed" in ended.out


def test_audit_finds_changed_evidence(graded: Path, grader) -> None:
    blobs = [path for path in (graded / "grader.db.evidence").rglob("*") if path.is_file()]
    for path in blobs:
        path.write_bytes(b"\x00changed")
    ended = grader("audit")
    assert ended.code == 1
    assert "changed after it was written" in ended.out
    assert r"\n" not in ended.out
    assert grader("audit", "--no-evidence").code == 0


@pytest.mark.parametrize(
    ("table", "what"), [("submissions", "notebook"), ("attempts", "plan"), ("attempts", "evidence")]
)
def test_audit_reads_all_that_a_mark_stands_on_and_says_whose_it_was(
    graded: Path, grader, table: str, what: str
) -> None:
    with sqlite3.connect("grader.db") as connection:
        query = f"SELECT seq, text, {what} FROM {table} JOIN names ON token = student ORDER BY seq"
        seq, student, digest = connection.execute(query).fetchone()
    connection.close()
    (graded / "grader.db.evidence" / digest[:2] / digest[2:]).unlink()
    ended = grader("audit")
    assert ended.code == 1
    assert f"the {what} of {student}, mini (row {seq}):" in ended.out


def test_a_standing_edited_by_hand_is_found_and_written_again(graded: Path, grader) -> None:
    with sqlite3.connect("grader.db") as connection:
        connection.execute("UPDATE standing SET points = 5 WHERE student = 's1'")
    connection.close()
    ended = grader("audit")
    assert ended.code == 1
    assert "standing, mini, s1: points is 5.0, and 2.0 by the history" in ended.out
    assert "`grader db reproject`" in ended.out
    assert "2 of 5" in grader("show", "s1", "-a", "mini").out, "no mark hangs on it"
    assert grader("db", "reproject").out == (
        "the standing of 2 submissions is written again from the history\n"
    )
    assert grader("audit").code == 0
