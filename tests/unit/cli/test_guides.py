"""What earns what: before every TA who decides, and before no student."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests import course

GUIDE = "Two for a reason, one where no value is named."
RUBRIC = course.RUBRIC.replace("    prompt: any", f"    guide: {GUIDE}\n    prompt: any")


@pytest.fixture
def guided(lab: Path, grader) -> Path:
    course.write_rubric(lab / "rubrics", RUBRIC)
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    return lab


def open_request(grader) -> str:
    """Its number."""
    grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2", "-m", "no value")
    asked = ["remark", "open", "s1", "-a", "mini", "-c", "why", "-m", "see cell 0", "--accept"]
    assert grader(*asked).code == 0
    return grader("remark", "list").out.splitlines()[1].split()[0]


@pytest.mark.parametrize(
    "command",
    [
        ("pending", "-a", "mini"),
        ("pending", "-a", "mini", "--anonymous", "-c", "why"),
        ("show", "s1", "-a", "mini"),
        ("mark", "s1", "-a", "mini", "-c", "why"),
    ],
)
def test_whoever_decides_has_the_guide_before_them(guided: Path, grader, command: tuple[str, ...]) -> None:
    assert grader(*command).out.count(GUIDE) == 1


def test_whoever_decides_a_request_has_it_too(guided: Path, grader) -> None:
    id = open_request(grader)
    assert f"guide:     {GUIDE}" in grader("remark", "show", id).out


def test_no_guide_is_shown_where_nobody_has_to_decide(guided: Path, grader) -> None:
    for student in ("s1", "s2"):
        grader("mark", student, "-a", "mini", "-c", "why", "-p", "2")
    assert GUIDE not in grader("show", "s1", "-a", "mini").out
    assert GUIDE not in grader("pending", "-a", "mini").out


def test_a_mark_without_points_shows_what_there_is_and_writes_nothing(guided: Path, grader) -> None:
    before = grader("show", "s2", "-a", "mini", "--history").out
    ended = grader("mark", "s2", "-a", "mini", "-c", "why")
    assert "look for:  any sound reason" in ended.out
    assert f"guide:     {GUIDE}" in ended.out
    assert "mark now:  0 of 3, 3 wait" in ended.out
    assert (ended.code, "a mark needs points" in ended.err) == (2, True)
    assert grader("show", "s2", "-a", "mini", "--history").out == before


def test_no_student_reads_it(guided: Path, grader) -> None:
    open_request(grader)
    grader("report", "-a", "mini", "--out", "reports")
    grader("export", "gradescope", "-a", "mini", "--include-pending", "--out", "gradescope")
    written = [path for folder in ("reports", "gradescope") for path in (guided / folder).rglob("*")]
    files = [path for path in written if path.is_file() and not zipfile.is_zipfile(path)]
    assert len(files) >= 2
    assert not [path for path in files if GUIDE.encode() in path.read_bytes()]
    assert GUIDE not in json.dumps(grader("export", "json", "-a", "mini", "--out", "-").out)


def test_a_rubric_that_can_no_longer_be_read_stops_no_listing(guided: Path, grader, monkeypatch) -> None:
    from grader.errors import RubricError
    from grader.store import Store

    def unreadable(self: Store, record: object) -> None:
        raise RubricError(["rubric:1: unknown check"])

    monkeypatch.setattr(Store, "rubric", unreadable)
    ended = grader("pending", "-a", "mini")
    assert ended.code == 0
    assert "s1" in ended.out
    assert GUIDE not in ended.out
