"""Who grades what, by commands: drawn, given, read from a table, ended, and what a share is not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests import course

LAB = ("--assignment", "mini")
ROSTER = "student,name,section\ns1,Jane Doe,L1\ns2,John Smith,L2\ns3,Ada King,L1\ns9,Not Yet,L1\n"


@pytest.fixture
def class_of_six(lab: Path, grader) -> Path:
    for number in range(3, 7):
        course.hand_in(lab / "submissions", f"s{number}", course.GOOD)
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    return lab


def shares(grader) -> dict[str, list[str]]:
    found = json.loads(grader("share", "list", *LAB, "--json").out)
    return {line["ta"]: line["students"] for line in found["shares"]} | {"": found["rest"]}


def test_lots_are_even_and_drawn_again_for_those_who_came_since_only(class_of_six: Path, grader) -> None:
    assert grader("share", "draw", "ben", "cara", *LAB).code == 0
    first = shares(grader)
    assert [len(first[name]) for name in ("ben", "cara", "")] == [3, 3, 0]
    assert "nothing to change" in grader("share", "draw", "ben", "cara", *LAB).out
    for number in (7, 8):
        course.hand_in(class_of_six / "submissions", f"s{number}", course.GOOD)
    grader("run", "submissions", "--rubric", "mini")
    assert shares(grader)[""] == ["s7", "s8"]
    grader("share", "draw", "ben", "cara", *LAB)
    later = shares(grader)
    assert all(set(first[name]) < set(later[name]) for name in ("ben", "cara"))
    grader("share", "draw", "dan", "--anew", *LAB)
    assert {name: len(students) for name, students in shares(grader).items()} == {"dan": 8, "": 0}


def test_a_section_is_given_with_those_who_handed_in_nothing_yet(class_of_six: Path, grader) -> None:
    (class_of_six / "roster.csv").write_text(ROSTER)
    grader("roster", "roster.csv")
    assert grader("share", "give", "ben", "--section", "L1", *LAB).code == 0
    assert shares(grader)["ben"] == ["s1", "s3", "s9"]
    ended = grader("share", "give", "ben", "--section", "L7", *LAB)
    assert ended.code == 2 and "L1, L2" in ended.err
    # By name, out of another's share.
    assert grader("share", "give", "cara", "Jane Doe", "s4", *LAB).code == 0
    found = shares(grader)
    assert (found["ben"], found["cara"]) == (["s3", "s9"], ["s1", "s4"])
    assert grader("share", "end", "cara", *LAB).code == 0
    assert "cara" not in shares(grader)
    assert grader("share", "end", "cara", *LAB).code == 2


def test_a_table_goes_out_and_comes_in_whole_or_not_at_all(class_of_six: Path, grader) -> None:
    grader("share", "draw", "ben", "cara", *LAB)
    assert grader("share", "list", *LAB, "--csv", "shares.csv").code == 0
    rows = list(csv.DictReader(Path("shares.csv").read_text().splitlines()))
    assert sorted(row["student"] for row in rows) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    Path("shares.csv").write_text("student,ta\n" + "".join(f"{row['student']},dan\n" for row in rows))
    assert grader("share", "read", "shares.csv", *LAB).code == 0
    assert shares(grader) == {"dan": [f"s{number}" for number in range(1, 7)], "": []}
    Path("shares.csv").write_text("student,ta\ns1,ben\ns77,ben\n")
    ended = grader("share", "read", "shares.csv", *LAB)
    assert ended.code == 2 and "s77" in ended.err
    Path("shares.csv").write_text("student,ta\ns1,ben\ns1,cara\n")
    assert grader("share", "read", "shares.csv", *LAB).code == 2
    assert shares(grader)["dan"] == [f"s{number}" for number in range(1, 7)]


def test_shares_are_sealed_and_no_mark_changes_by_them(class_of_six: Path, grader) -> None:
    grader("mark", "s1", *LAB, "--criterion", "why", "--points", "2", "--as", "ben")
    before = grader("export", "json", *LAB, "--out", "-").out
    grader("share", "draw", "ben", "cara", *LAB)
    grader("share", "draw", "cara", "--anew", *LAB)
    assert grader("export", "json", *LAB, "--out", "-").out == before
    assert grader("audit").code == 0
    assert grader("share", "draw", "ben", "--assignment", "other").code == 2


def test_who_was_erased_is_in_a_share_by_label_alone(class_of_six: Path, grader) -> None:
    grader("share", "give", "ben", "s1", "s2", *LAB)
    assert grader("person", "erase", "s1", "--reason", "asked for", "--yes").code == 0
    [label] = set(shares(grader)["ben"]) - {"s2"}
    assert label.startswith("erased-")
    assert grader("audit").code == 0
