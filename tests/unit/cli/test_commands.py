from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main

from grader.cli.app import app
from grader.cli.console import plain
from grader.evidence.codec import Bundle
from grader.evidence.record import CellError, CellRun, Outcome
from grader.facts.handout import fingerprint
from grader.sandbox.base import Job
from grader.workflows.regrading.rubrics import load_rubric_file
from tests import course


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


@pytest.mark.parametrize("named", ["submissions/s1", "submissions/s1/lab.ipynb", "term"])
def test_run_keeps_nothing_under_a_name_that_is_no_students(lab: Path, grader, named: str) -> None:
    course.hand_in(lab / "term" / "submissions", "s1", course.GOOD)
    course.hand_in(lab / "term" / "submissions", "s2", course.GOOD)
    ended = grader("run", named, "--rubric", "mini")
    assert ended.code == 2
    assert "like no student's id: 'lab'" in ended.err or "like no student's id: 'submissions'" in ended.err
    assert "--student ID" in ended.err
    assert "s1" not in grader("show", "-a", "mini").out


def test_run_is_told_whose_one_submission_is(lab: Path, grader) -> None:
    ended = grader("run", "submissions/s1/lab.ipynb", "--rubric", "mini", "--student", "s1")
    assert ended.code == 0
    assert ended.out.splitlines()[1].split()[:2] == ["s1", "mini"]
    several = grader("run", "submissions", "--rubric", "mini", "--student", "s1")
    assert several.code == 2
    assert "2 submissions" in several.err


def test_run_asks_once_about_a_name_that_somebody_keeps(lab: Path, grader) -> None:
    assert grader("run", "submissions/s1", "--rubric", "mini", "--yes").code == 0
    again = grader("run", "submissions/s1", "--rubric", "mini")
    assert again.code == 0
    assert again.out.splitlines()[1].split()[:2] == ["lab", "mini"]


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
    assert ended.code == 1
    rows = [line.split()[:3] for line in ended.out.splitlines()[1:4]]
    assert sorted(rows) == [
        ["s1", "mini", "COMPLETED"],
        ["s1", "other", "COMPLETED"],
        ["s2", "other", "INVALID_SUBMISSION"],
    ]


def test_run_names_what_needs_attention_and_exits_1(lab: Path, grader, monkeypatch) -> None:
    monkeypatch.setattr("grader.workflows.running.execution._PAUSE_S", 0)
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


def test_show_names_each_criterion_and_its_place(graded: Path, grader) -> None:
    out = grader("show", "s2", "--assignment", "mini").out
    assert "builtin-shadowing  FAIL" in out
    assert "[cell `sum = 1 + 2`, no. 0, line 1]" in out
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
    assert (
        "CELL_ERROR: only given code, left as it was, raised an error (cell `model(features)`, no. 0)"
        in given
    )
    assert "CELL_ERROR: one cell raised an error (cell `img`, no. 1); given code" in own
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
    course.write_rubric(graded / "rubrics", course.KINDER)
    assert grader(*command.split()).out == course.RUBRIC
    refused = grader("rubric", "show", "--row", "1")
    assert refused.code == 2
    assert f"one of {basis['rubric_row']}" in refused.err


def test_show_history_tells_who_did_what(graded: Path, grader) -> None:
    out = grader("show", "s1", "--assignment", "mini", "--history").out
    told = [line.split("  ")[-1] for line in out.splitlines() if "UTC" in line]
    assert [what.split()[0] for what in told] == ["handed", "attempt", "verdict:"]
    assert "  ta  " in out


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
