"""What is damaged of one student costs this student's row, and the class nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from grader.store import open_store
from grader.workflows.views.show import find_result

#: Commands about a whole assignment, each of which has to go on.
OF_THE_CLASS = (
    ("pending", "-a", "mini"),
    ("summary", "-a", "mini"),
    ("report", "-a", "mini", "--out", "reports"),
    ("export", "csv", "-a", "mini", "--out", "marks.csv"),
    ("export", "canvas", "-a", "mini", "--out", "canvas.csv"),
    ("export", "gradescope", "-a", "mini", "--out", "gradescope"),
    ("show", "s1", "-a", "mini"),
    ("show", "s2", "-a", "mini"),
    ("show", "s2", "-a", "mini", "--why"),
)


def damage_verdict(folder: Path, student: str) -> int:
    """Makes the newest verdict of a student one that this version cannot read; gives its row."""
    with open_store(str(folder / "grader.db")) as store:
        record = find_result(store, student, "mini").verdict_record
    assert record is not None
    body = json.loads(record.body)
    body["late"] = {"due": "2026-12-01T00:00:00Z", "grace_minutes": "Infinity"}
    with sqlite3.connect(folder / "grader.db") as connection:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'verdicts'"
        for (name,) in connection.execute(triggers).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE verdicts SET body = ? WHERE seq = ?", (json.dumps(body), record.seq))
    return record.seq


def evidence_of(folder: Path, student: str) -> Path:
    with open_store(str(folder / "grader.db")) as store:
        attempt = find_result(store, student, "mini").attempt
        assert attempt is not None
        return store.blobs.path_of(attempt.evidence)


def notebook_of(folder: Path, student: str) -> Path:
    with open_store(str(folder / "grader.db")) as store:
        return store.blobs.path_of(find_result(store, student, "mini").submission.notebook)


@pytest.mark.parametrize("command", OF_THE_CLASS, ids=" ".join)
def test_a_verdict_that_cannot_be_read_stops_no_command(graded: Path, grader, command: tuple[str, ...]):
    damage_verdict(graded, "s2")
    ended = grader(*command)
    assert "cannot be read" not in ended.err or "s2" in ended.err
    assert ended.code in (0, 1), ended.err
    assert "Traceback" not in ended.err


def test_it_is_named_and_a_regrade_mends_it(graded: Path, grader):
    row = damage_verdict(graded, "s2")
    told = grader("run", "submissions", "--rubric", "mini")
    assert f"its verdict, row {row}, cannot be read: `grader regrade` judges again" in told.out
    reports = grader("report", "-a", "mini", "--out", "reports")
    assert f"no report for s2: its verdict, row {row}, cannot be read" in reports.err
    assert (graded / "reports" / "s1.html").exists()
    assert grader("regrade", "-a", "mini", "--rubric", "mini").code == 0
    with open_store(str(graded / "grader.db")) as store:
        result = find_result(store, "s2", "mini")
        assert result.unreadable is None
        assert result.mark is not None
    assert grader("report", "-a", "mini", "--out", "reports").code == 0


@pytest.mark.parametrize("command", OF_THE_CLASS, ids=" ".join)
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_evidence_that_cannot_be_read_stops_no_command(
    graded: Path, grader, command: tuple[str, ...], how: str
):
    path = evidence_of(graded, "s2")
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"\x00not what it was")
    ended = grader(*command)
    assert ended.code in (0, 1), ended.err
    assert "Traceback" not in ended.err
    if command[0] == "report":
        assert "no report for s2: " in ended.err
        assert (graded / "reports" / "s1.html").exists()
    if command[1] == "csv":
        assert "s2" in (graded / "marks.csv").read_text()


def test_a_damaged_notebook_among_the_stored_files_is_written_again(graded: Path, grader):
    path = notebook_of(graded, "s2")
    whole = path.read_bytes()
    path.write_bytes(b"\x00half")
    assert grader("run", "submissions", "--rubric", "mini", "--fresh").code == 0
    assert path.read_bytes() == whole
