from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

from tests import course

GOLDEN = {
    "student": "s2",
    "assignment": "mini",
    "attempt": 1,
    "outcome": "COMPLETED",
    "points": 0.0,
    "out_of": 5.0,
    "pending": 3.0,
    "criteria": [
        {
            "id": "builtin-shadowing",
            "status": "FAIL",
            "points": 0.0,
            "out_of": 2.0,
            "message": ...,
            "where": [{"cell": 0, "line": 1}],
            "exhibits": [{"kind": "names", "names": [{"name": "sum", "cell": 0, "line": 1}]}],
        },
        {
            "id": "why",
            "status": "NEEDS_TA",
            "points": 0.0,
            "out_of": 3.0,
            "message": ...,
            "where": [],
            "exhibits": [{"kind": "prompt", "text": "any sound reason"}],
        },
    ],
    "timing": {"wall_time_s": 1.0, "cells_s": 0.5},
}


def without_messages(exported: dict) -> dict:
    """Messages are the checks' own; that they are there is what counts here."""
    assert all(item["message"] for item in exported["criteria"])
    return exported | {"criteria": [item | {"message": ...} for item in exported["criteria"]]}


def test_export_json_has_the_promised_shape(graded: Path, grader) -> None:
    ended = grader("export", "json", "--assignment", "mini", "--out", "marks.json")
    assert ended.out == "wrote marks.json\n"
    first, second = json.loads((graded / "marks.json").read_text())
    assert first["student"] == "s1"
    assert without_messages(second) == GOLDEN


def test_show_json_is_one_object_of_the_export(graded: Path, grader) -> None:
    shown = grader("show", "s2", "--assignment", "mini", "--json").out
    exported = grader("export", "json", "--assignment", "mini", "--out", "-").out
    assert json.loads(shown) == json.loads(exported)[1]


def test_export_leaves_out_what_has_no_terminal_outcome(graded: Path, grader) -> None:
    with sqlite3.connect("grader.db") as connection:
        connection.execute(
            "INSERT INTO ledger VALUES (99, 'submissions', '2026-03-01T00:00:00', 'x', 'x', '', 'd')"
        )
        connection.execute("INSERT INTO submissions VALUES (99, 's9', 'mini', '0', 'p', NULL, 0, '')")
    connection.close()
    exported = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    assert [item["student"] for item in exported] == ["s1", "s2"]


def test_export_csv_leaves_pending_points_empty(graded: Path, grader) -> None:
    rows = list(csv.DictReader(io.StringIO(grader("export", "csv", "-a", "mini", "--out", "-").out)))
    assert [(row["student"], row["points"], row["builtin-shadowing"], row["why"]) for row in rows] == [
        ("s1", "2.0", "2.0", ""),
        ("s2", "0.0", "0.0", ""),
    ]


def test_export_csv_neutralises_formulas_in_ids(lab: Path, grader) -> None:
    course.hand_in(lab / "submissions", "=cmd|' 'A0", course.GOOD)
    grader("run", "submissions", "--rubric", "mini")
    text = grader("export", "csv", "-a", "mini", "--out", "-").out
    assert "\n'=cmd|' 'A0,mini" in text
