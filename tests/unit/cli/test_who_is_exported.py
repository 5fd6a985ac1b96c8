"""What every export makes of a submission that is settled, waits, was not taken, not run, or is dropped."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.sandbox.base import Job
from tests import course

UNRUN = "x = 'the sandbox fails on this one'"


@pytest.fixture
def every_standing(lab: Path, grader, monkeypatch: pytest.MonkeyPatch) -> Path:
    """s1 is settled, s2 waits, held was not taken, unrun failed us, gone is dropped, none is empty."""

    def reply(job: Job) -> Bundle | Exception:
        return SandboxUnavailable("no engine") if UNRUN.encode() in job.notebook else course.answer(job)

    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox(reply))
    course.hand_in(lab / "submissions", "held", raw=b"%PDF-1.7 ...")
    course.hand_in(lab / "submissions", "unrun", UNRUN)
    course.hand_in(lab / "submissions", "gone", course.GOOD)
    (lab / "submissions" / "none").mkdir()
    assert grader("run", "submissions", "--rubric", "mini").code == 1
    assert grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "3").code == 0
    assert grader("drop", "gone", "-a", "mini", "--reason", "a test", "--yes").code == 0
    return lab


def names_in(out: Path) -> set[str]:
    """Whose name stands in what was written."""
    files = [path for path in out.rglob("*") if path.is_file()] if out.is_dir() else [out]
    text = " ".join(path.name + path.read_text() for path in files)
    return {name for name in ("s1", "s2", "held", "unrun", "gone", "none") if name in text}


@pytest.mark.parametrize("form", ["canvas", "markus", "nbgrader", "gradescope"])
@pytest.mark.parametrize(("more", "written"), [((), {"s1"}), (("--include-pending",), {"s1", "s2"})])
def test_only_what_is_settled_goes_out_and_what_waits_where_that_is_asked_for(
    every_standing: Path, grader, form: str, more: tuple[str, ...], written: set[str]
) -> None:
    ended = grader("export", form, "--assignment", "mini", "--out", "out", *more)
    found = names_in(Path("out"))
    # "none" is a word of some formats; its row is looked for by the command's own count.
    assert found - {"none"} == written
    assert f"{len(written) + 1} marks were written" in ended.out
    for name, why in (("held", "could not be taken"), ("unrun", "could not run it"), ("gone", "dropped by")):
        [line] = [line for line in ended.out.splitlines() if line.startswith(f"left out: {name}:")]
        assert why in line


def test_gradescope_gets_no_test_that_failed_where_a_ta_has_not_looked(every_standing: Path, grader) -> None:
    grader("export", "gradescope", "--assignment", "mini", "--out", "out", "--include-pending")
    [shadowing, why] = json.loads(Path("out", "s2.json").read_text())["tests"]
    assert (shadowing["score"], shadowing["status"]) == (0.0, "failed")
    assert {"score", "max_score", "status"} & set(why) == set()
    assert "a TA decides the rest" in why["output"]


def test_gradescope_shows_each_test_of_who_handed_in_nothing_as_failed(every_standing: Path, grader) -> None:
    grader("export", "gradescope", "--assignment", "mini", "--out", "out")
    results = json.loads(Path("out", "none.json").read_text())
    assert results["score"] == 0.0
    assert {test["status"] for test in results["tests"]} == {"failed"}


def test_csv_has_no_number_where_nothing_was_read_or_run(every_standing: Path, grader) -> None:
    ended = grader("export", "csv", "--assignment", "mini", "--out", "-")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(ended.out))}
    assert {name: row["points"] for name, row in rows.items()} == {
        "s1": "5.0", "s2": "0.0", "held": "", "unrun": "", "none": "0.0"
    }  # fmt: skip
    assert rows["s2"]["why"] == ""
    assert (rows["unrun"]["builtin-shadowing"], rows["unrun"]["pending"]) == ("", "5.0")


def test_json_tells_held_pending_and_settled_apart(every_standing: Path, grader) -> None:
    rows = json.loads(grader("export", "json", "--assignment", "mini", "--out", "-").out)
    stands = {row["student"]: (row["points"], row["pending"], "held" in row) for row in rows}
    assert stands == {
        "s1": (5.0, 0.0, False), "s2": (0.0, 3.0, False), "held": (0.0, 5.0, True),
        "unrun": (0.0, 5.0, False), "none": (0.0, 0.0, False),
    }  # fmt: skip


def test_figures_of_the_class_are_of_settled_marks_alone(every_standing: Path, grader) -> None:
    said = grader("summary", "--assignment", "mini").out
    assert "mean 2.5, median 2.5" in said
    assert "1 submission could not be taken" in said
    assert "1 submission dropped by a person" in said
