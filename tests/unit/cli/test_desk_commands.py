from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import desk_class

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
REASON = "Settings are chosen on it."
ROSTER = """\
student,name,login,email
s1,"Doe, Jane",doejane,jane@x.org
s2,John Smith,smithj,john@x.org
s8,Alex Kim,kima,alex@x.org
s9,Alex Kim,kimb,kim@x.org
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two students' work in the current folder, and a roster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_USER", "ann")
    monkeypatch.delenv("GRADER_DB", raising=False)
    works = {
        "s1": desk_class.work(REASON, "they part", "\n".join(f"part{n} = {n}" for n in range(40))),
        "s2": desk_class.work("They are not, says John Smith.", "flat"),
    }
    desk_class.grade(tmp_path, lambda: NOW, works).close()
    (tmp_path / "roster.csv").write_text(ROSTER)
    return tmp_path


def test_a_criterion_is_shown_with_question_and_answers(desk: Path, grader) -> None:
    out = grader("pending", "-a", "lab", "-c", "why-validation").out
    assert out.count("asked:     Say why a validation set is needed.") == 1
    assert out.count("look for:  Settings are chosen on it.") == 1
    assert out.count("guide:     1 for what it is for, 2 for the danger without it.") == 1
    first, second = out.index("s1  why-validation  3 waiting"), out.index("s2  why-validation  3 waiting")
    assert first < out.index(f"      {REASON}\n") < second < out.index("They are not, says John Smith.")


def test_what_a_cell_showed_the_student_stands_beside_our_run(desk: Path, grader) -> None:
    out = grader("pending", "-a", "lab", "-c", "curves-described", "s1").out
    assert "handed in: Epoch 30: 0.1\n" in out
    assert "handed in: 1 picture\n" in out
    assert "our run:   Epoch 1: 0.7\n" in out
    assert "(our run trained on a few batches a pass: its curves are not the student's)\n" in out
    assert "s2" not in out


def test_answers_are_cut_to_their_last_lines_unless_all_is_asked_for(desk: Path, grader) -> None:
    short = grader("pending", "-a", "lab", "-c", "split-written").out
    assert "part39 = 39" in short
    assert "part1 = 1\n" not in short
    assert "part1 = 1\n" in grader("pending", "-a", "lab", "-c", "split-written", "--full").out


def test_blind_answers_name_nobody(desk: Path, grader) -> None:
    grader("roster", "roster.csv")
    out = grader("pending", "-a", "lab", "-c", "why-validation", "--anonymous").out
    assert out.count("anon-") == 2
    assert "They are not, says (student)." in out
    assert not [name for name in ("s2", "John", "Smith") if name in out]


def test_a_worksheet_is_what_mark_reads(desk: Path, grader) -> None:
    grader("pending", "-a", "lab", "-c", "why-validation", "--csv", "waiting.csv")
    rows = list(csv.DictReader(io.StringIO((desk / "waiting.csv").read_text())))
    for row, points in zip(rows, ("2", "0"), strict=True):
        row["points"] = points
    with (desk / "waiting.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    given = grader("mark", "-a", "lab", "--from", "waiting.csv")
    assert given.out.splitlines() == [
        "s1: why-validation: 2 of 3 (was 0)",
        "s2: why-validation: 0 of 3 (was 0)",
    ]


def test_pending_gives_programs_everything(desk: Path, grader) -> None:
    items = json.loads(grader("pending", "-a", "lab", "-c", "curves-described", "--json").out)
    assert [(item["student"], item["pending"], item["out_of"]) for item in items] == [
        ("s1", 4.0, 4.0),
        ("s2", 4.0, 4.0),
    ]
    [cell] = items[0]["answer"]["cells"]
    assert cell["source"].endswith("# they part")
    assert cell["handed_in"] == {"text": "Epoch 30: 0.1", "pictures": 1}
    assert (
        grader(
            "mark", "s1", "-a", "lab", "-c", "curves-described", "-p", "3", "--seen", items[0]["seen"]
        ).code
        == 0
    )


def test_every_submission_is_listed_with_what_waits(desk: Path, grader) -> None:
    grader("mark", "s1", "-a", "lab", "-c", "why-validation", "-p", "2")
    listed = json.loads(grader("list", "--assignment", "lab", "--json").out)
    assert [(item["student"], item["points"], item["pending"], item["marked"]) for item in listed] == [
        ("s1", 4.0, 7.0, 1),
        ("s2", 2.0, 7.0, 0),
    ]
    assert listed[0]["waits"] == ["curves-described", "split-written"]
    lines = grader("list").out.splitlines()
    assert lines[0].split() == [
        "student",
        "assignment",
        "outcome",
        "points",
        "out",
        "of",
        "pending",
        "marked",
        "waits",
    ]
    assert lines[-1] == "2 submissions; 4 judgements to be made by a TA"


def test_a_roster_lets_every_command_take_a_name_or_a_login(desk: Path, grader) -> None:
    kept = grader("roster", "roster.csv")
    assert kept.out.splitlines() == ["kept: 4 students", "on it and handed in nothing: s8, s9"]
    for typed in ("doejane", "Jane Doe", "doe, jane", "jane@x.org", "s1"):
        shown = grader("show", typed, "-a", "lab")
        assert (shown.code, shown.out.splitlines()[0]) == (0, "s1, lab")
    assert grader("mark", "John Smith", "-a", "lab", "-c", "why-validation", "-p", "1").out.startswith("s2: ")
    [listed] = json.loads(grader("list", "--student", "smithj", "--json").out)
    assert (listed["student"], listed["name"]) == ("s2", "John Smith")
    assert "Doe, Jane" in grader("list").out
    assert "s9       Alex Kim" in grader("roster").out


def test_a_name_that_several_have_is_asked_about(desk: Path, grader) -> None:
    grader("roster", "roster.csv")
    ended = grader("mark", "Alex Kim", "-a", "lab", "-c", "why-validation", "-p", "1")
    assert ended.code == 2
    assert "'Alex Kim' may be any of 2 students" in ended.err
    assert "s8 (Alex Kim), s9 (Alex Kim)" in ended.err


def test_where_a_person_decided_listings_say_marked(desk: Path, grader) -> None:
    assert "A TA judges this part." in grader("show", "s1", "-a", "lab").out
    for criterion in ("why-validation", "curves-described", "split-written"):
        grader("mark", "s1", "-a", "lab", "-c", criterion, "-p", "1")
    shown = grader("show", "s1", "-a", "lab").out
    assert shown.count(" MARKED ") == 3
    assert "A TA judges this part." not in shown
    exported = json.loads(grader("show", "s1", "-a", "lab", "--json").out)
    [item] = [each for each in exported["criteria"] if each["id"] == "why-validation"]
    assert (item["status"], item["finding_status"], item["message"]) == ("MARKED", "NEEDS_TA", "")
    grader("report", "s1", "-a", "lab", "--out", "out")
    assert (desk / "out" / "s1.html").read_text().count("Marked by your TA") > 0


def test_remark_requests_are_listed_for_programs(desk: Path, grader) -> None:
    grader("mark", "s1", "-a", "lab", "-c", "why-validation", "-p", "1")
    grader("remark", "open", "s1", "-a", "lab", "-c", "why-validation", "-m", "look again", "--accept")
    [request] = json.loads(grader("remark", "list", "--json").out)
    assert (request["student"], request["criterion"], request["state"], request["open"]) == (
        "s1",
        "why-validation",
        "submitted",
        True,
    )
    assert json.loads(grader("remark", "list", "-a", "lab", "--state", "final", "--json").out) == []


@pytest.fixture
def equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three students in the current folder, of whom two wrote the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_USER", "ann")
    monkeypatch.delenv("GRADER_DB", raising=False)
    works = {
        "s1": desk_class.work(REASON),
        "s2": desk_class.work(REASON),
        "s3": desk_class.work("One looks."),
    }
    desk_class.grade(tmp_path, lambda: NOW, works).close()
    return tmp_path


def test_alike_answers_are_listed_decided_and_undone_in_one_go(equal: Path, grader) -> None:
    why = ("-a", "lab", "-c", "why-validation")
    listed = grader("alike", *why).out.splitlines()
    assert listed[1].split() == ["equal", "answers", "2", "s1,", "s2"]
    assert listed[-1] == "3 of 3 wait; like no other: 1"
    given = grader("alike", "s2", *why, "-p", "2", "-m", "the danger?").out.splitlines()
    assert given[:2] == ["s1: why-validation: 2 of 3 (was 0)", "s2: why-validation: 2 of 3 (was 0)"]
    undone = grader("undo", "-a", "lab").out.splitlines()
    assert undone == ["s1: why-validation: 0 of 3 (was 2)", "s2: why-validation: 0 of 3 (was 2)"]
    assert "ann has no mark on lab to undo" in grader("undo", "-a", "lab").err


def test_alike_answers_are_decided_blind(equal: Path, grader) -> None:
    why = ("-a", "lab", "-c", "why-validation")
    name = grader("alike", *why, "--anonymous").out.splitlines()[1].split()[3].rstrip(",")
    out = grader("alike", name, *why, "-p", "2").out
    assert out.count("anon-") == 2
    assert "s1" not in out and "s2" not in out


def test_who_is_like_no_other_gets_a_mark_of_their_own(equal: Path, grader) -> None:
    why = ("-a", "lab", "-c", "why-validation")
    ended = grader("alike", "s3", *why, "-p", "2")
    assert (ended.code, "s3 is alike no other" in ended.err) == (2, True)
    assert grader("alike", "s1", *why).code == 2
    assert grader("alike", *why, "-p", "2").code == 2
