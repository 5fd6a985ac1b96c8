"""What the report says once people have decided, and what it keeps back from students."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.evidence.record import Outcome
from grader.grading.late import LateLine
from grader.judging.judgement import Status
from grader.reporting import ReportInput, render_report
from tests.factories import marked
from tests.unit.reporting import samples
from tests.unit.reporting.pages import Outline, judged_anew, section


def test_a_decision_replaces_the_points_and_settles_what_was_open() -> None:
    report = samples.report({"why-validation": (2.5, "Good, but what is it chosen on?")})
    text = Outline(render_report(report)).text
    assert (report.mark.points, report.mark.pending) == (4.5, 0)
    assert "4.5 / 14 points" in text
    assert "still open" not in text
    assert "Decided by a TA on 01 December 2026: 2.5 of 3 (before: 0)." in text
    assert "ta-3" not in text
    assert "Good, but what is it chosen on?" in text
    assert "What still waits" not in text


def test_an_adjustment_is_a_line_of_its_own_and_the_mark_never_falls_below_zero() -> None:
    report = samples.report(late=LateLine(days=3, tokens=2, points=5, why="2 days of grace used up"))
    text = Outline(render_report(report)).text
    assert report.mark.points == 0
    assert "Late: -5 2 days of grace used up" in text
    assert "5 off (late)" in text


@pytest.fixture
def held_back() -> ReportInput:
    report = samples.report()
    criteria = tuple(line.model_copy(update={"release": "after_remarks"}) for line in report.rubric.criteria)
    return replace(report, rubric=report.rubric.model_copy(update={"criteria": criteria}))


def test_expected_values_wait_for_the_end_of_remarks(held_back: ReportInput) -> None:
    page = render_report(held_back)
    assert "386" not in page
    assert "The reference:" not in page
    assert "expected 12" not in page
    assert 'aria-label="Expected' not in page
    assert 'aria-label="Difference' not in page
    assert 'aria-label="Yours: 18 20 19; 10 9 17; 11 8 14"' in page
    assert "1266" in section(page, "small-net-parameters")
    assert "shown after the remark period" in section(page, "small-net-parameters")


def test_once_remarks_are_over_they_are_shown(held_back: ReportInput) -> None:
    page = render_report(replace(held_back, remarks_over=True))
    assert page == render_report(replace(samples.report(), remarks_over=True))
    assert "386" in section(page, "small-net-parameters")
    assert "Remark requests were taken until 04 December 2026" in page


def test_a_fault_of_the_service_costs_nothing_and_says_so() -> None:
    waiting = [
        finding.model_copy(
            update={
                "status": Status.MISSING_EVIDENCE,
                "points": 0.0,
                "pending": finding.out_of,
                "message": "-",
            }
        )
        for finding in samples.report().mark.verdict.findings
    ]
    verdict = samples.report().mark.verdict.model_copy(update={"findings": tuple(waiting)})
    report = replace(samples.report(), mark=marked(verdict), bundle=None, outcome=Outcome.SANDBOX_UNAVAILABLE)
    text = Outline(render_report(report)).text
    assert "Nothing is decided yet" in text
    assert "costs you no points" in text
    assert "What to look at next" not in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.CHECK_ERROR, "The check 'conv2d' itself failed: ValueError: expected 4711"),
        (Status.MISSING_EVIDENCE, "Run it again with `--training full`."),
    ],
)
@pytest.mark.parametrize("decided", [False, True])
def test_what_a_check_says_to_course_staff_is_not_shown_to_the_student(
    status: Status, said: str, decided: bool
) -> None:
    report = judged_anew("conv2d", status=status, points=0.0, pending=3.0, message=said)
    mark = marked(report.mark.verdict, {"conv2d": (3, "It is right.")} if decided else {})
    text = Outline(section(render_report(replace(report, mark=mark)), "conv2d")).text
    assert "4711" not in text
    assert "--training" not in text
    assert ("A TA judged it instead" in text) is decided
    assert ("costs you nothing" in text) is not decided


def test_after_the_decision_nothing_says_that_a_ta_will_look() -> None:
    seen, doubt = "No loss function was seen.", "It may be one of your own."
    report = judged_anew("conv2d", status=Status.NEEDS_TA, points=0.0, pending=3.0, message=seen, open=doubt)
    decided = {"conv2d": (3.0, "Well done."), "why-validation": (2.0, "Half of it.")}
    marks = [marked(report.mark.verdict, given) for given in ({}, decided)]
    before, after = (render_report(replace(report, mark=mark)) for mark in marks)
    assert f"{seen} {doubt} A TA looks at it." in Outline(section(before, "conv2d")).text
    told = Outline(section(after, "conv2d")).text
    assert seen in told
    assert doubt not in told
    assert "looks at it" not in told
    assert "A TA read this part and gave the points." in Outline(section(after, "why-validation")).text
    assert "A TA reads this part" not in after


def test_why_the_service_failed_is_told_to_staff_only() -> None:
    report = replace(
        samples.report(), outcome=Outcome.SANDBOX_UNAVAILABLE, outcome_detail="docker: /run/docker.sock"
    )
    assert "docker" not in Outline(render_report(report)).text


def test_a_criterion_that_the_rubric_no_longer_has_is_still_shown() -> None:
    report = samples.report()
    rubric = report.rubric.model_copy(update={"criteria": report.rubric.criteria[:1]})
    assert "Convolution with padding by hand" in render_report(replace(report, rubric=rubric))
