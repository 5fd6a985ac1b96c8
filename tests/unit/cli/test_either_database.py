"""What a TA does in a week, by commands, with the marks in either kind of database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.store.engine import Database
from tests import course


@pytest.fixture
def kept(lab: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The course folder, with its marks where `database` says."""
    monkeypatch.setenv("GRADER_DB", database)
    monkeypatch.setenv("GRADER_EVIDENCE", str(lab / "evidence"))
    return lab


def points_of(grader, student: str) -> float:
    return json.loads(grader("show", student, "-a", "mini", "--json").out)["points"]


def test_a_class_is_graded_marked_judged_again_and_remarked(kept: Path, grader) -> None:
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    assert grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2.5").code == 0
    assert "s2" in grader("pending", "-a", "mini").out
    course.write_rubric(
        kept / "rubrics", course.RUBRIC.replace("points: 2", "points: 1.5").replace("total: 5", "total: 4.5")
    )
    assert grader("regrade", "-a", "mini", "--rubric", "mini").code == 0
    opened = grader("remark", "open", "s2", "-a", "mini", "-c", "builtin-shadowing", "-m", "why?", "--accept")
    id = opened.out.split()[1]
    assert grader("remark", "decide", id, "-p", "1", "-m", "half of it").code == 0
    assert (points_of(grader, "s1"), points_of(grader, "s2")) == (4.0, 1.0)
    assert grader("show", "s2", "-a", "mini", "--history").out.count("verdict:") == 2
    assert grader("export", "csv", "-a", "mini", "--out", "-").code == 0
    assert grader("audit").out.startswith("unbroken:")


def test_nothing_is_asked_of_a_database_that_was_closed(
    kept: Path, grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What connects anew then is never closed."""
    closed, late = set(), []
    disconnect, reading = Database.disconnect, Database.reading

    def close(self: Database) -> None:
        closed.add(id(self))
        disconnect(self)

    def read(self: Database):
        late.extend([self.location] if id(self) in closed else [])
        return reading(self)

    monkeypatch.setattr(Database, "disconnect", close)
    monkeypatch.setattr(Database, "reading", read)
    for command in (
        ("run", "submissions", "--rubric", "mini"),
        ("regrade", "-a", "mini", "--rerun"),
        ("pending", "-a", "mini"),
        ("summary", "-a", "mini", "--out", "summary"),
        ("report", "-a", "mini", "--out", "reports"),
        ("list",),
        ("audit",),
    ):
        closed.clear()
        grader(*command)
        assert (late, len(closed)) == ([], 1), command
