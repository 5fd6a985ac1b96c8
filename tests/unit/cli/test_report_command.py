"""`grader report`: what goes into the pages, and PDF where there is a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.grading.remarks import is_late
from grader.rubric.model import Policy
from grader.store import open_store
from grader.store.results import Result
from grader.workflows.views.report import report_input
from grader.workflows.views.show import find_result, find_results
from tests import course

END = datetime(2026, 12, 4, 23, 59, tzinfo=UTC)


def browser(folder: Path, *lines: str) -> Path:
    """A program that is called like a browser; `$target` is where the PDF is wanted."""
    program = folder / "browser"
    take = 'for word in "$@"; do case $word in --print-to-pdf=*) target=${word#*=};; esac; done'
    program.write_text("\n".join(["#!/bin/sh", take, *lines]) + "\n")
    program.chmod(0o755)
    return program


def test_the_appendix_can_be_left_out(graded: Path, grader) -> None:
    grader("report", "-a", "mini", "--out", "with")
    grader("report", "-a", "mini", "--out", "without", "--no-appendix")
    assert "Your notebook as it ran" in (graded / "with" / "s1.html").read_text()
    assert "Your notebook as it ran" not in (graded / "without" / "s1.html").read_text()


def test_students_without_a_verdict_are_named(graded: Path, grader, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        replace(item, verdict_record=None) if item.student == "s2" else item for item in everybody("mini")
    ]
    monkeypatch.setattr("grader.workflows.views.show.find_results", lambda *_: found)
    ended = grader("report", "-a", "mini", "--out", "reports")
    assert "1 report is in reports" in ended.out
    assert "no report for s2: not judged yet" in ended.err


def everybody(assignment: str) -> list[Result]:
    with open_store("grader.db") as store:
        return find_results(store, assignment)


def test_only_the_reference_that_judged_is_shown(graded: Path) -> None:
    with open_store("grader.db") as store:
        result = find_result(store, "s1", "mini")
        same = Reference(architectures={"a": 1}, digest=result.verdict.reference)
        assert report_input(store, result, reference=same).reference is same
        other = report_input(store, result, reference=replace(same, digest="other"))
        assert other.reference.architectures == {}


def test_other_reference_answers_than_those_that_judged_are_told(graded: Path, grader) -> None:
    (graded / "reference").mkdir()
    (graded / "reference" / "__init__.py").write_text("FUNCTIONS = {}\nARCHITECTURES = {}\n")
    ended = grader("report", "-a", "mini", "--out", "reports")
    assert ended.code == 0
    assert "2 of these were judged by older reference answers" in ended.err
    assert "grader regrade --assignment mini" in ended.err


@pytest.mark.parametrize(
    ("until", "over"),
    [(None, False), (END - timedelta(minutes=1), True), (END, False), (END + timedelta(1), False)],
)
def test_details_are_held_back_until_the_last_moment_for_requests(until: datetime | None, over: bool) -> None:
    assert is_late(Policy(remarks_open_until=until), END) is over


def test_what_is_released_after_remarks_follows_the_rubrics_date(lab: Path, grader) -> None:
    text = course.RUBRIC.replace("    points: 2\n", "    points: 2\n    release: after_remarks\n")
    for name, year in (("open", 2999), ("over", 2001)):
        dated = f"{text}remarks:\n  remarks_open_until: {year}-01-01T00:00:00Z\n"
        course.write_rubric(
            lab / "rubrics", dated.replace("assignment: mini", f"assignment: {name}"), f"{name}.yaml"
        )
        grader("run", "submissions", "--rubric", name)
        grader("report", "s2", "-a", name, "--out", name)
    assert "shown after the remark period" in (lab / "open" / "s2.html").read_text()
    assert "shown after the remark period" not in (lab / "over" / "s2.html").read_text()


def test_pdf_is_printed_by_the_browser_that_is_named(
    graded: Path, grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_BROWSER", str(browser(graded, 'printf %%PDF > "$target"')))
    ended = grader("report", "s1", "-a", "mini", "--out", "reports", "--pdf")
    assert (ended.code, ended.err) == (0, "")
    assert "wrote reports/s1.pdf" in ended.out
    assert (graded / "reports" / "s1.pdf").read_text() == "%PDF"
    assert sorted(path.name for path in (graded / "reports").iterdir()) == ["s1.html", "s1.pdf"]


def test_without_a_browser_nothing_is_written(graded: Path, grader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADER_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(graded))
    ended = grader("report", "-a", "mini", "--out", "reports", "--pdf")
    assert ended.code == 2
    assert "there is no browser to write PDF with" in ended.err
    assert "leave out --pdf" in ended.err
    assert not (graded / "reports").exists()


def test_a_browser_that_prints_nothing_is_a_fault_with_its_last_words(
    graded: Path, grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_BROWSER", str(browser(graded, "echo first >&2; echo no fonts >&2; exit 1")))
    ended = grader("report", "s1", "-a", "mini", "--out", "reports", "--pdf")
    assert ended.code == 1
    assert "wrote no PDF" in ended.err
    assert "no fonts" in ended.err
    assert "first" not in ended.err
