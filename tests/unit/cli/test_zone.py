"""Every time that is told to people is told by the course's clocks; machines get an offset."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from grader.store import open_store
from tests import course

NOW = datetime(2026, 7, 10, 22, 30, 5, tzinfo=UTC)
LATE = """\
late:
  due: 2026-07-10T23:59:59
  per_day: 0.1
remarks:
  remarks_open_until: 2026-08-01T12:00
"""


@pytest.fixture
def in_berlin(lab: Path, grader, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A class in Berlin, at half past midnight there; the second student came a second late."""
    monkeypatch.setattr("grader.store.open_store", partial(open_store, clock=lambda: NOW))
    with open_store("grader.db") as store:
        store.keep_zone("Europe/Berlin")
    course.write_rubric(lab / "rubrics", course.RUBRIC + LATE)
    for student, moment in (("s1", "2026-07-10 21:59:59 UTC"), ("s2", "2026-07-10 22:00:00 UTC")):
        nbgrader = lab / "nbgrader" / student / "mini"
        nbgrader.mkdir(parents=True)
        (nbgrader / "lab.ipynb").write_bytes(course.notebook(course.GOOD))
        (nbgrader / "timestamp.txt").write_text(moment)
    ended = grader("run", "nbgrader", "--rubric", "mini", "--format", "nbgrader")
    assert ended.code == 0, ended
    return lab


def test_what_is_late_is_told_to_the_second(in_berlin: Path, grader) -> None:
    said = grader("show", "s2", "--assignment", "mini").out
    assert "Due 2026-07-10 23:59:59 CEST, handed in 2026-07-11 00:00:00 CEST, 1 day late." in said
    assert "late:" not in grader("show", "s1", "--assignment", "mini").out


def test_commands_and_pages_tell_the_courses_time(in_berlin: Path, grader) -> None:
    asked = grader(
        "remark",
        "open",
        "s1",
        "-a",
        "mini",
        "--criterion",
        "builtin-shadowing",
        "--reason",
        "look",
        "--accept",
    )
    assert asked.code == 0, asked
    assert grader("drop", "s2", "-a", "mini", "--reason", "twice", "--yes").code == 0
    local = "2026-07-11 00:30:05 CEST"
    assert local in grader("show", "s1", "-a", "mini", "--history").out
    assert "2026-07-11: submitted" in grader("show", "s1", "-a", "mini").out
    assert local in grader("show", "s2", "-a", "mini").out
    assert "2026-08-01 12:00 CEST" in grader("remark", "list", "-a", "mini").out
    [id] = [each["id"] for each in json.loads(grader("remark", "list", "-a", "mini", "--json").out)]
    shown = grader("remark", "show", str(id)).out
    assert shown.count(local) >= 2 and "open until 2026-08-01 12:00 CEST" in shown
    assert grader("report", "-a", "mini", "--out", "out").code == 0
    page = (in_berlin / "out" / "s1.html").read_text()
    assert "11 July 2026, 00:30 CEST" in page and "01 August 2026, 12:00 CEST" in page
    assert "10 July" not in page


def test_json_keeps_the_offset(in_berlin: Path, grader) -> None:
    history = json.loads(grader("show", "s1", "-a", "mini", "--history", "--json").out)["history"]
    assert {row["at"] for row in history} == {"2026-07-10T22:30:05+00:00"}


def test_the_history_keeps_the_rubric_with_its_offsets(in_berlin: Path, grader) -> None:
    with open_store("grader.db") as store:
        assert "due: 2026-07-10T23:59:59+02:00" in store.newest_rubric("mini").text
        store.keep_zone("America/Toronto")
    # Another zone reads the file otherwise: then it is another rubric, and says so.
    ended = grader("regrade", "-a", "mini", "--dry-run")
    assert ended.code == 0 and "lateness" in ended.out, ended


def test_without_a_zone_all_is_as_before(lab: Path, grader) -> None:
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    assert re.search(r"\d\d:\d\d:\d\d UTC", grader("show", "s1", "-a", "mini", "--history").out)
    assert "times are told in UTC" in grader("db", "zone").out
    course.write_rubric(lab / "rubrics", course.RUBRIC + LATE)
    refused = grader("rubric", "check", "mini")
    assert refused.code == 2 and "names no time zone" in refused.err
    assert "Europe/Berlin" in grader("db", "zone", "Europe/Berlin").out
    assert grader("rubric", "check", "mini").code == 0
    assert "told in UTC" in grader("db", "zone", "--none").out


def test_a_zone_that_is_none_is_refused_and_a_damaged_one_mended(graded: Path, grader) -> None:
    refused = grader("db", "zone", "Europe/Berln")
    assert refused.code == 2 and "did you mean 'Europe/Berlin'?" in refused.err
    assert grader("db", "zone", "Europe/Berlin").code == 0
    with sqlite3.connect("grader.db") as connection:
        connection.execute("UPDATE settings SET value = 'Mars/Olympus' WHERE name = 'time_zone'")
    damaged = grader("list", "-a", "mini")
    assert damaged.code == 2
    for said in ("cannot be read", "settings, time_zone", "IANA", "Mars/Olympus", "grader db zone"):
        assert said in damaged.err
    assert grader("db", "zone", "Europe/Berlin").code == 0
    assert grader("list", "-a", "mini").code == 0
