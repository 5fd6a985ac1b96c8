from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main

from grader.cli.app import app
from grader.cli.console import plain
from grader.evidence.codec import Bundle
from grader.evidence.record import CellError, CellRun, Outcome
from grader.rubric.handout import fingerprint
from grader.sandbox.base import Job
from grader.workflows.rubrics import load_rubric_file
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
            "data": {"names": [{"name": "sum", "cell": 0, "line": 1}]},
        },
        {
            "id": "why",
            "status": "NEEDS_TA",
            "points": 0.0,
            "out_of": 3.0,
            "message": ...,
            "where": [],
            "data": {"prompt": "any sound reason"},
        },
    ],
    "timing": {"wall_time_s": 1.0, "cells_s": 0.5},
}


def without_messages(exported: dict) -> dict:
    """Messages are the checks' own; that they are there is what counts here."""
    assert all(item["message"] for item in exported["criteria"])
    return exported | {"criteria": [item | {"message": ...} for item in exported["criteria"]]}


def test_run_closes_with_a_table_and_names_the_database(lab: Path, grader) -> None:
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 0
    header, first, second, last = ended.out.splitlines()
    assert header.split("  ")[0] == "student"
    assert first.split()[:6] == ["s1", "mini", "COMPLETED", "2", "5", "3"]
    assert second.split()[:6] == ["s2", "mini", "COMPLETED", "0", "5", "3"]
    assert last == "marks are in grader.db"
    assert "2 submissions, 2 to run" in ended.err


def test_run_alone_takes_everything_from_grader_toml(lab: Path, grader) -> None:
    (lab / "grader.toml").write_text('rubric = "mini"\ndb = "marks/lab.db"\n')
    (lab / "marks").mkdir()
    assert grader("run", "submissions").code == 0
    assert (lab / "marks" / "lab.db").exists()


def test_run_of_several_labs_reports_a_broken_notebook_and_grades_the_rest(lab: Path, grader) -> None:
    for name in ("mini", "other"):
        text = course.RUBRIC.replace("assignment: mini", f"assignment: {name}")
        titled = text.replace("title: A small lab", f"title: The {name} lab")
        course.write_rubric(lab / "rubrics", titled, f"{name}.yaml")
        heading = {"cell_type": "markdown", "source": f"# The {name} lab", "metadata": {}}
        notebook = json.loads(course.notebook(course.GOOD))
        notebook["cells"].insert(0, heading)
        whole = course.hand_in(lab / "labs", "s1", raw=json.dumps(notebook).encode())
        whole.rename(whole.with_stem(name))
    broken = course.hand_in(lab / "labs", "s2", raw=b"{not json")
    broken.rename(broken.with_stem("other"))
    ended = grader("run", "labs")
    assert ended.code == 0
    rows = [line.split()[:3] for line in ended.out.splitlines()[1:4]]
    assert sorted(rows) == [
        ["s1", "mini", "COMPLETED"],
        ["s1", "other", "COMPLETED"],
        ["s2", "other", "INVALID_SUBMISSION"],
    ]


def test_run_names_what_needs_attention_and_exits_1(lab: Path, grader, monkeypatch) -> None:
    monkeypatch.setattr("grader.workflows.execution._PAUSE_S", 0)
    broken = course.sandbox(lambda job: RuntimeError("engine gone"))
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: broken)
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 1
    assert "SANDBOX_UNAVAILABLE" in ended.out
    assert "engine gone" in ended.out


def test_run_again_says_that_all_is_done(graded: Path, grader) -> None:
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 0
    assert "all of them done before" in ended.err


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


def test_show_names_each_criterion_and_its_place(graded: Path, grader) -> None:
    out = grader("show", "s2", "--assignment", "mini").out
    assert "builtin-shadowing  FAIL" in out
    assert "[cell 0 line 1]" in out
    assert "0 of 5 points, 3 pending" in out


def raising(job: Job) -> Bundle:
    """Every cell raised an error."""
    bundle = course.answer(job, outcome=Outcome.CELL_ERROR, detail="cell 0: the first of 2 cells that raised")
    run = CellRun(status="error", error=CellError(type="NameError"))
    cells = tuple(cell.model_copy(update={"run": run}) for cell in bundle.evidence.cells)
    return replace(bundle, evidence=bundle.evidence.model_copy(update={"cells": cells}))


def test_show_tells_errors_of_given_code_from_the_student_s(
    lab: Path, grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    handout = fingerprint(json.loads(course.notebook("model(features)")))
    (lab / "rubrics" / "mini.json").write_text(handout.model_dump_json())
    course.write_rubric(lab / "rubrics", course.RUBRIC.replace("total: 5", "total: 5\nhandout: mini.json"))
    course.hand_in(lab / "submissions", "s1", "model(features)")
    course.hand_in(lab / "submissions", "s2", "model(features)", "img")
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox(raising))
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    given, own = (grader("show", student, "-a", "mini").out for student in ("s1", "s2"))
    assert "CELL_ERROR: only given code, left as it was, raised an error (cell 0)" in given
    assert "CELL_ERROR: one cell raised an error (cell 1); given code" in own
    for blob in (lab / "grader.db.evidence").rglob("*"):
        if blob.is_file():
            blob.unlink()
    assert "the first of 2 cells that raised" in grader("show", "s2", "-a", "mini").out


def test_show_why_names_all_that_a_mark_stands_on(graded: Path, grader) -> None:
    rubric = load_rubric_file(graded / "rubrics" / "mini.yaml")
    basis = json.loads(grader("show", "s1", "-a", "mini", "--why", "--json").out)["stands_on"]
    assert (basis["rubric"], basis["rubric_digest"]) == ("mini.yaml", rubric.rubric.digest)
    assert (basis["image"], basis["sandbox"], basis["seed"]) == ("fake-image", "fake", 0)
    handed_in = (graded / "submissions" / "s1" / "lab.ipynb").read_bytes()
    assert basis["notebook"] == hashlib.sha256(handed_in).hexdigest()
    assert {"evidence", "plan", "reference", "grader", "python", "packages"} <= set(basis)
    shown = grader("show", "s1", "-a", "mini", "--why").out
    assert rubric.rubric.digest in shown
    command = f"rubric show --row {basis['rubric_row']}"
    assert command in shown
    course.write_rubric(graded / "rubrics", KINDER)
    assert grader(*command.split()).out == course.RUBRIC
    refused = grader("rubric", "show", "--row", "1")
    assert refused.code == 2
    assert f"one of {basis['rubric_row']}" in refused.err


def test_show_history_tells_who_did_what(graded: Path, grader) -> None:
    out = grader("show", "s1", "--assignment", "mini", "--history").out
    told = [line.split("  ")[-1] for line in out.splitlines() if "UTC" in line]
    assert [what.split()[0] for what in told] == ["handed", "attempt", "verdict:"]
    assert "  ta  " in out


KINDER = course.RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]")


def test_regrade_tells_before_it_writes(graded: Path, grader) -> None:
    course.write_rubric(graded / "rubrics", KINDER)
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
    course.write_rubric(graded / "rubrics", KINDER)
    ended = grader("regrade", "-a", "mini")
    assert "1 went up, 0 down, 1 same" in ended.out
    assert "judged by rubrics/mini.yaml (" in ended.out
    assert "judged by rubrics/mini.yaml (" in grader("regrade", "s1", "-a", "mini", "--rerun").out


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
    assert ended.code == 2
    assert "a stored verdict cannot be read" in ended.err
    assert "grader audit" in ended.err


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
        query = f"SELECT seq, student, {what} FROM {table} ORDER BY seq"
        seq, student, digest = connection.execute(query).fetchone()
    connection.close()
    (graded / "grader.db.evidence" / digest[:2] / digest[2:]).unlink()
    ended = grader("audit")
    assert ended.code == 1
    assert f"the {what} of {student}, mini (row {seq}):" in ended.out


def test_rubric_check_counts_what_it_found(lab: Path, grader) -> None:
    assert (
        grader("rubric", "check", "rubrics/mini.yaml").out
        == "mini.yaml: A small lab: 2 criteria, 5 points, no problems\n"
    )


def test_rubric_handout_describes_a_notebook_without_its_words(lab: Path, grader) -> None:
    assert grader("rubric", "handout", "submissions/s1/lab.ipynb", "--out", "h.json").code == 0
    described = json.loads((lab / "h.json").read_text())
    assert [cell["kind"] for cell in described["cells"]] == ["code"]
    assert course.GOOD not in (lab / "h.json").read_text()


def test_the_course_of_a_notebook_is_found_by_its_handout(lab: Path, grader) -> None:
    raw = json.loads(course.notebook(course.GOOD, "given = 1"))
    (lab / "handout.ipynb").write_text(json.dumps(raw))
    grader("rubric", "handout", "handout.ipynb", "--out", "rubrics/mini.handout.json")
    with_handout = course.RUBRIC.replace("total: 5", "total: 5\nhandout: mini.handout.json")
    course.write_rubric(lab / "rubrics", with_handout)
    course.hand_in(lab / "submissions", "s1", course.GOOD, "given = 1", "mine = 2")
    course.hand_in(lab / "submissions", "s2", "given = 1")
    ended = grader("run", "submissions")
    assert ended.code == 0
    assert ended.out.count("mini") == 2


def test_version_is_said(grader) -> None:
    assert grader("--version").out.startswith("grader ")


def commands() -> dict[str, object]:
    root = typer.main.get_command(app)
    found = {}
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {key}": value for key, value in inner.items()} if inner else {name: command}
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_says_what_it_does_and_gives_an_example(name: str, grader) -> None:
    ended = grader(*name.split(), "--help")
    assert ended.code == 0
    assert f"Example: grader {name}" in " ".join(ended.out.split())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_and_argument_is_explained(name: str) -> None:
    silent = [item.name for item in commands()[name].params if not getattr(item, "help", None)]
    assert silent == []


def test_text_from_outside_cannot_move_the_cursor_or_turn_the_line() -> None:
    assert plain("a\x1b[2Jb\u202ec\ud800") == "a\\x1b[2Jb\\u202ec\\ud800"


def test_report_writes_a_page_for_each_student(graded: Path, grader) -> None:
    ended = grader("report", "--assignment", "mini", "--out", "reports")
    assert ended.out == "2 reports are in reports\n"
    assert sorted(path.name for path in (graded / "reports").iterdir()) == ["s1.html", "s2.html"]
    assert "builtin" in (graded / "reports" / "s2.html").read_text().lower()
    assert grader("report", "s2", "-a", "mini", "--out", "one").out.startswith("wrote one/s2.html\n")


def test_report_never_takes_an_id_for_a_path(lab: Path, grader) -> None:
    course.hand_in(lab / "submissions", "..x y", course.GOOD)
    grader("run", "submissions", "--rubric", "mini")
    grader("report", "--assignment", "mini", "--out", "reports")
    names = {path.name for path in (lab / "reports").iterdir()}
    assert {"s1.html", "s2.html"} < names
    [other] = names - {"s1.html", "s2.html"}
    assert other.startswith("student-")


def test_summary_goes_to_the_screen_or_to_files(graded: Path, grader) -> None:
    assert "A small lab" in grader("summary", "--assignment", "mini").out
    ended = grader("summary", "-a", "mini", "--out", "class.html", "--slides", "slides.md")
    assert ended.out.splitlines() == ["wrote class.html", "wrote slides.md"]
    assert (graded / "class.html").read_text().lower().startswith("<!doctype html>")


def test_the_summary_names_marks_near_chosen_thresholds_and_open_remark_requests(
    graded: Path, grader
) -> None:
    grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2")
    grader("remark", "open", "s1", "-a", "mini", "-c", "why", "-m", "I did say why.", "--accept")
    text = grader("summary", "-a", "mini", "--threshold", "80", "--threshold", "20").out
    assert "s1: 4, near 80 % (4 points)" in text
    assert "1 remark request open: s1" in text
    assert "near 80" not in grader("summary", "-a", "mini").out


def test_names_of_the_roster_stay_out_of_the_summarys_examples(lab: Path, grader) -> None:
    course.hand_in(lab / "submissions", "s2", "sum = ada_byron")
    grader("run", "submissions", "--rubric", "mini")
    (lab / "roster.csv").write_text("student,name\ns2,Ada Byron\n")
    assert "sum = ada_byron" in grader("summary", "-a", "mini").out
    assert "sum = (student)_(student)" in grader("summary", "-a", "mini", "--roster", "roster.csv").out


BOTH = KINDER.replace("id: why", "id: why-not")


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
    course.write_rubric(graded / "rubrics", KINDER)
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
        kept = connection.execute("SELECT notebook FROM submissions WHERE student = 's3'").fetchall()
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
