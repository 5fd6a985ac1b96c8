"""`grader intake`, `grader similar`, exports to course systems, and lateness, through the command line."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from tests import course

GRADEBOOK = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,A small lab (77)\r\n"
    "    Points Possible,,,,,5\r\n"
    '"Doe, Jane",101,1001,s1,LEC0101,\r\n'
    '"Smith, John",102,1002,s2,LEC0101,\r\n'
    '"Late, Lou",103,1003,s3,LEC0101,4\r\n'
)
LATE = course.RUBRIC + "late: {due: 2026-02-02T12:00:00Z, per_day: 0.2, tokens: 1}\n"


@pytest.fixture
def gradebook(lab: Path) -> Path:
    path = lab / "gradebook.csv"
    path.write_bytes(GRADEBOOK.encode())
    return path


def hand_in_at(lab: Path, student: str, assignment: str, when: str, *sources: str) -> None:
    """A submission in nbgrader's layout, which says when it came."""
    folder = lab / "timed" / "submitted" / student / assignment
    folder.mkdir(parents=True)
    (folder / "lab.ipynb").write_bytes(course.notebook(*sources))
    (folder / "timestamp.txt").write_text(when)


def test_who_waits_for_a_ta_is_left_out_and_named(graded: Path, gradebook: Path, grader) -> None:
    ended = grader("export", "canvas", "-a", "mini", "--into", gradebook, "--out", "up.csv")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "wrote up.csv",
        "0 marks were written",
        "left out: s1: 3 points wait for a TA (why)",
        "left out: s2: 3 points wait for a TA (why)",
    ]
    assert (graded / "up.csv").read_bytes() == gradebook.read_bytes()


def test_settled_marks_go_into_the_gradebook(graded: Path, gradebook: Path, grader) -> None:
    assert (
        grader("mark", "s1", "-a", "mini", "--criterion", "why", "--points", "2.5", "--comment", "ok").code
        == 0
    )
    ended = grader(
        "export", "canvas", "-a", "mini", "--into", gradebook, "--out", "up.csv", "--roster", gradebook
    )
    assert "1 mark was written" in ended.out
    assert "left out: s3: handed in nothing" in ended.out
    assert (graded / "up.csv").read_bytes() == GRADEBOOK.replace("s1,LEC0101,", "s1,LEC0101,4.5").encode()
    only = grader(
        "export",
        "canvas",
        "-a",
        "mini",
        "--into",
        "up.csv",
        "--out",
        "-",
        "--only-changed",
        "--include-pending",
    )
    assert [row[3] for row in csv.reader(io.StringIO(only.out))][2:] == ["s2"]
    assert "1 mark was written" in only.err


def test_gradescope_gets_a_file_for_each_student_and_the_reports_words(graded: Path, grader) -> None:
    ended = grader("export", "gradescope", "-a", "mini", "--out", "gs", "--include-pending")
    assert ended.out.splitlines()[0] == "2 files are in gs"
    results = json.loads((graded / "gs" / "s2.json").read_text())
    assert results["score"] == 0.0
    assert [test.get("status") for test in results["tests"]] == ["failed", None]
    assert "sum" in results["tests"][0]["output"]


def test_gradescope_shows_failed_advice_as_failed_and_a_tas_reason(lab: Path, grader) -> None:
    free = course.RUBRIC.replace("points: 2", "points: 0").replace("total: 5", "total: 3")
    course.write_rubric(lab / "rubrics", free)
    grader("run", "submissions", "--rubric", "mini")
    grader("mark", "s2", "-a", "mini", "-c", "why", "-p", "2", "-m", "No word on the cost.")
    grader("export", "gradescope", "-a", "mini", "--out", "gs", "--include-pending")
    advice, why = json.loads((lab / "gs" / "s2.json").read_text())["tests"]
    assert (advice["status"], advice.get("score")) == ("failed", None)
    assert why["output"] == (
        "A TA read this part and gave the points.\nA TA decided: 2 of 3 points. No word on the cost."
    )


@pytest.mark.parametrize("form", ["canvas", "markus", "moodle", "nbgrader"])
def test_every_format_makes_a_file_of_its_own(graded: Path, grader, form: str) -> None:
    ended = grader("export", form, "-a", "mini", "--out", "new.csv", "--include-pending")
    assert ended.code == 0
    assert (
        (graded / "new.csv")
        .read_bytes()
        .startswith(
            {
                b"canvas": b"Student,ID,",
                b"markus": b"Group name,",
                b"moodle": b"Identifier,",
                b"nbgrader": b"assignment,",
            }[form.encode()]
        )
    )


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["canvas", "--only-changed"], "--only-changed compares with a gradebook"),
        (["nbgrader", "--into", "gradebook.csv"], "nbgrader has no file to fill in"),
        (["canvas", "--into", "nowhere.csv"], "cannot be read"),
        (["markus", "--into", "gradebook.csv"], "the column 'Group name' is missing"),
        (["canvas", "--into", "gradebook.csv", "--column", "Lab 9"], "no column is the assignment's"),
        (["canvas", "--roster", "nowhere.csv"], "the roster cannot be read"),
        (["quercus"], "quercus"),
    ],
)
def test_what_cannot_be_exported_is_one_message_and_writes_nothing(
    graded: Path, gradebook: Path, grader, arguments: list[str], what: str
) -> None:
    ended = grader("export", *arguments, "-a", "mini", "--out", "up.csv")
    assert ended.code == 2
    assert what in ended.err
    assert not (graded / "up.csv").exists()


def test_lateness_is_a_line_of_its_own_wherever_marks_are_shown(lab: Path, grader) -> None:
    course.write_rubric(lab / "rubrics", LATE)
    hand_in_at(lab, "s1", "mini", "2026-02-04 12:30:00 UTC", course.GOOD)
    hand_in_at(lab, "s2", "mini", "2026-02-02 11:59:59 UTC", course.GOOD)
    assert grader("run", "timed", "--rubric", "mini").code == 0
    shown = grader("show", "s1", "-a", "mini").out
    assert "late: -2 points: Due 2026-02-02 12:00+00:00" in shown
    assert "0 of 5 points, 3 pending" in shown
    late, in_time = json.loads(grader("export", "json", "-a", "mini", "--out", "-").out)
    assert (late["late"]["days"], late["late"]["tokens"], late["late"]["points"]) == (3, 1, -2.0)
    assert "late" not in in_time
    rows = list(csv.DictReader(io.StringIO(grader("export", "csv", "-a", "mini", "--out", "-").out)))
    assert [(row["points"], row["late"]) for row in rows] == [("0.0", "-2.0"), ("2.0", "0.0")]
    grader("report", "-a", "mini", "--out", "reports")
    assert "Late" in (lab / "reports" / "s1.html").read_text()
    assert "<strong>Late" not in (lab / "reports" / "s2.html").read_text()
    nbgrader = list(
        csv.DictReader(
            io.StringIO(grader("export", "nbgrader", "-a", "mini", "--out", "-", "--include-pending").out)
        )
    )
    assert [(row["raw_score"], row["late_submission_penalty"], row["score"]) for row in nbgrader] == [
        ("2", "2", "0"),
        ("2", "0", "2"),
    ]


def test_late_tokens_are_one_purse_for_all_assignments(lab: Path, grader) -> None:
    later = LATE.replace("assignment: mini", "assignment: second").replace("2026-02-02T", "2026-02-16T")
    course.write_rubric(lab / "rubrics", LATE)
    course.write_rubric(lab / "rubrics", later, "second.yaml")
    hand_in_at(lab, "s1", "mini", "2026-02-02 18:00:00 UTC", course.GOOD)
    hand_in_at(lab, "s2", "mini", "2026-02-02 11:00:00 UTC", course.GOOD)
    assert grader("run", "timed", "--rubric", "mini").code == 0
    shutil.rmtree(lab / "timed")
    for student in ("s1", "s2"):
        hand_in_at(lab, student, "second", "2026-02-16 18:00:00 UTC", course.GOOD)
    assert grader("run", "timed", "--rubric", "second").code == 0
    marks = {
        (item["student"], name): item["late"]["points"] if "late" in item else None
        for name in ("mini", "second")
        for item in json.loads(grader("export", "json", "-a", name, "--out", "-").out)
    }
    assert marks == {("s1", "mini"): 0.0, ("s2", "mini"): None, ("s1", "second"): -1.0, ("s2", "second"): 0.0}


def test_a_dry_run_of_a_policy_with_new_tokens_knows_which_are_spent(lab: Path, grader) -> None:
    later = LATE.replace("assignment: mini", "assignment: second").replace("2026-02-02T", "2026-02-16T")
    course.write_rubric(lab / "rubrics", LATE)
    course.write_rubric(lab / "rubrics", later.replace("tokens: 1", "tokens: 0"), "second.yaml")
    hand_in_at(lab, "s1", "mini", "2026-02-02 18:00:00 UTC", course.GOOD)
    assert grader("run", "timed", "--rubric", "mini").code == 0
    shutil.rmtree(lab / "timed")
    hand_in_at(lab, "s1", "second", "2026-02-16 18:00:00 UTC", course.GOOD)
    assert grader("run", "timed", "--rubric", "second").code == 0
    course.write_rubric(lab / "rubrics", later, "second.yaml")
    foretold = grader("regrade", "-a", "second", "--rubric", "second", "--dry-run").out
    assert foretold.startswith("0 would go up, 0 down, 1 same\n")
    grader("regrade", "-a", "second", "--rubric", "second")
    assert "late: -1 points" in grader("show", "s1", "-a", "second").out


def test_a_changed_late_policy_counts_after_regrade(lab: Path, grader) -> None:
    course.write_rubric(lab / "rubrics", LATE)
    hand_in_at(lab, "s1", "mini", "2026-02-04 12:30:00 UTC", course.GOOD)
    grader("run", "timed", "--rubric", "mini")
    course.write_rubric(lab / "rubrics", LATE.replace("tokens: 1", "days: {s1: 0}"))
    foretold = grader("regrade", "-a", "mini", "--rubric", "mini", "--dry-run").out.splitlines()
    row = [cell for cell in foretold[1].split("  ") if cell]
    assert [cell.strip() for cell in row] == ["s1", "(lateness)", "3 days late", "-2", "in time", "0", "+2"]
    assert "1 would go up, 0 down, 0 same" in foretold[2]
    told = grader("regrade", "-a", "mini", "--rubric", "mini")
    assert (told.code, told.out.splitlines()[1]) == (0, foretold[1])
    assert "2 of 5 points, 3 pending" in grader("show", "s1", "-a", "mini").out


def test_intake_says_who_which_file_when_and_what_is_wrong(lab: Path, grader) -> None:
    hand_in_at(lab, "s1", "mini", "2026-02-04 12:30:00 America/Toronto", course.GOOD)
    broken = lab / "timed" / "submitted" / "s2" / "mini"
    broken.mkdir(parents=True)
    (broken / "lab.ipynb").write_text("{not json")
    (lab / "roster.csv").write_text("student,name\ns1,Jane Doe\ns3,Lou Late\n")
    ended = grader("intake", "timed", "--rubric", "mini", "--roster", "roster.csv")
    assert ended.code == 0
    first, second = [line for line in ended.out.splitlines() if line.startswith(("s1", "s2"))]
    assert "Jane Doe" in first
    assert "2026-02-04 12:30:00-05:00" in first
    assert "submitted/s1/mini/lab.ipynb" in first
    assert "JSON" in second
    assert "not on the roster" in second
    assert "2 submissions in the layout 'nbgrader', 1 cannot be run" in ended.out
    assert "handed in nothing: s3 (Lou Late)" in ended.out
    assert not (lab / "grader.db").exists()


def test_similar_lists_pairs_and_says_that_it_proves_nothing(lab: Path, grader) -> None:
    lines = [f"value{n} = compute(source[{n}], scale={n}) + offset[{n}]" for n in range(12)]
    course.hand_in(lab / "submissions", "s3", "\n".join(lines))
    course.hand_in(lab / "submissions", "s4", "\n".join(line.replace("value", "other") for line in lines))
    course.hand_in(lab / "submissions", "s5", raw=b"{not json")
    ended = grader("similar", "submissions", "--rubric", "mini")
    assert ended.code == 0
    [row] = [line for line in ended.out.splitlines() if line.startswith("mini ")]
    assert row.split()[:5] == ["mini", "s3", "s4", "100", "%"]
    assert "mini: 4 submissions compared, 1 pair to look at" in ended.out
    assert "not compared: s5" in ended.out
    assert "equal code is no proof" in ended.out
    assert not (lab / "grader.db").exists()


def test_late_by_nobody_knows_how_much_waits_for_a_person(lab: Path, grader) -> None:
    course.write_rubric(lab / "rubrics", LATE)
    (lab / "zip").mkdir()
    (lab / "zip" / "doejane_LATE_101_7001_lab.ipynb").write_bytes(course.notebook(course.GOOD))
    ended = grader("run", "zip", "--rubric", "mini")
    assert "late by nobody knows how much" in ended.out
    grader("mark", "101", "-a", "mini", "--criterion", "why", "--points", "3", "--comment", "ok")
    left_out = grader("export", "nbgrader", "-a", "mini", "--out", "new.csv").out
    assert "left out: 101: marked as late without a time" in left_out
    course.write_rubric(lab / "rubrics", LATE.replace("tokens: 1", "days: {101: 2}"))
    grader("regrade", "-a", "mini", "--rubric", "mini")
    assert "1 mark was written" in grader("export", "nbgrader", "-a", "mini", "--out", "new.csv").out
    assert "late: -2 points" in grader("show", "101", "-a", "mini").out


def test_a_report_never_says_none_lost_where_lateness_took_something(lab: Path, grader) -> None:
    course.write_rubric(lab / "rubrics", LATE)
    hand_in_at(lab, "s1", "mini", "2026-02-04 12:30:00 UTC", course.GOOD)
    grader("run", "timed", "--rubric", "mini")
    grader("report", "-a", "mini", "--out", "reports")
    page = (lab / "reports" / "s1.html").read_text()
    assert "2 off (late)" in page
    assert "none lost" not in page


def test_who_is_matched_by_name_at_intake_is_so_at_export_and_report(lab: Path, grader) -> None:
    (lab / "canvas").mkdir()
    (lab / "canvas" / "doejane_4711_900_lab.ipynb").write_bytes(course.notebook(course.GOOD))
    (lab / "roster.csv").write_text('student,name\ns1,"Doe, Jane"\ns2,"Smith, John"\n')
    assert grader("run", "canvas", "--rubric", "mini").code == 0
    told = ["--roster", "roster.csv", "--out", "up.csv"]
    ended = grader("export", "canvas", "-a", "mini", "--include-pending", *told)
    assert "s1: handed in nothing" not in ended.out
    assert "s2: handed in nothing" in ended.out
    assert '"Doe, Jane"' in (lab / "up.csv").read_text()
    assert grader("report", "-a", "mini", "--out", "reports", "--roster", "roster.csv").code == 0
    assert "Feedback for Doe, Jane" in (lab / "reports" / "4711.html").read_text()


def test_a_report_calls_a_student_by_the_name_that_moodle_gives(lab: Path, grader) -> None:
    course.hand_in(lab / "moodle", "Jane Doe_512_assignsubmission_file_", course.GOOD)
    assert grader("run", "moodle", "--rubric", "mini").code == 0
    assert grader("report", "-a", "mini", "--out", "reports").code == 0
    assert "Feedback for Jane Doe" in (lab / "reports" / "512.html").read_text()


def test_marks_of_a_canvas_download_go_back_under_canvas_own_numbers(lab: Path, grader) -> None:
    (lab / "canvas").mkdir()
    (lab / "canvas" / "doejane_4711_900_lab.ipynb").write_bytes(course.notebook(course.GOOD))
    assert grader("run", "canvas", "--rubric", "mini").code == 0
    ended = grader("export", "canvas", "-a", "mini", "--include-pending", "--out", "-")
    header, _, jane = csv.reader(io.StringIO(ended.out))
    assert dict(zip(header, jane, strict=True))["ID"] == "4711"
    assert dict(zip(header, jane, strict=True))["SIS Login ID"] == ""
