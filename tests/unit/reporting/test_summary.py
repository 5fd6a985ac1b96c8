"""The class summary: marks, common issues, what waits, what is odd, and no name where none belongs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.record import Outcome
from grader.facts.fields import Where
from grader.grading.late import LateLine
from grader.judging.exhibits import Names, UsedName
from grader.judging.judgement import Status
from grader.reporting import (
    SummaryInput,
    render_slides,
    render_summary_html,
    render_summary_text,
    summarise,
)
from tests.unit.reporting.classes import RUBRIC, calls, finding, shadowing, student, waiting
from tests.unit.reporting.pages import Outline
from tests.unit.reporting.test_hostile_reports import CANARY, HOSTILE, Inspection


def full(name: str, points: float) -> SummaryInput:
    """A student with `points` of 10: the criteria are filled up one after another."""
    first = min(points, 4.0)
    second = min(points - first, 2.0)
    third = points - first - second
    return student(
        name, finding("sum-of-cubes", first), finding("builtin-shadowing", second), finding("explain", third)
    )


def test_the_distribution_of_marks() -> None:
    marks = summarise(RUBRIC, [full(f"s{i}", points) for i, points in enumerate([2, 4, 6, 8, 10])]).marks
    assert (marks.judged, marks.mean, marks.median, marks.lowest, marks.highest) == (5, 6, 6, 2, 10)
    assert (marks.lower_quartile, marks.upper_quartile) == (4, 8)
    assert [each.students for each in marks.bins] == [0, 0, 1, 0, 1, 0, 1, 0, 1, 1]


@given(st.lists(st.integers(0, 40).map(lambda quarters: quarters / 4), max_size=40))
def test_every_judged_submission_stands_in_one_bin(points: list[float]) -> None:
    marks = summarise(RUBRIC, [full(f"s{i}", mark) for i, mark in enumerate(points)]).marks
    assert sum(each.students for each in marks.bins) == marks.judged == len(points)


def test_marks_that_can_still_change_are_in_no_figure_and_the_page_says_so() -> None:
    settled = [full(f"s{i}", points) for i, points in enumerate([4, 8])]
    open_ = [student(f"t{i}", finding("sum-of-cubes", 4), waiting("explain")) for i in range(3)]
    summary = summarise(RUBRIC, [*settled, *open_])
    marks = summary.marks
    assert (marks.judged, marks.settled, marks.open, marks.median, marks.highest) == (5, 2, 3, 6, 8)
    assert sum(each.students for each in marks.bins) == 2
    said = "igures are of 2 settled marks; left out: 3 marks with points that wait for a TA"
    assert said in render_summary_html(summary)
    assert said in render_summary_text(summary)
    nothing = summarise(RUBRIC, open_)
    assert "median" not in render_summary_text(nothing)
    assert "No mark is settled yet, so there are no figures: 3 marks" in render_summary_html(nothing)
    assert "left out" not in render_summary_text(summarise(RUBRIC, settled))


def test_examples_and_slides_tell_no_ones_cells() -> None:
    told = "`net` was built in cell 4, line 2; cells 7 and 9 train it."
    summary = summarise(RUBRIC, [student("s1", finding("sum-of-cubes", 0, message=told))])
    for text in (render_slides(summary), render_summary_text(summary), render_summary_html(summary)):
        assert "some cells train it" in text.replace("&#", "")
        assert "cell 4" not in text
        assert "cells 7" not in text


def test_no_submissions_and_no_verdicts_are_no_error() -> None:
    for results in ([], [SummaryInput("s1", Outcome.SANDBOX_UNAVAILABLE)]):
        summary = summarise(RUBRIC, results)
        assert summary.marks.judged == 0
        assert "Nothing is judged yet" in render_summary_html(summary)
        assert "0 judged" in render_summary_text(summary)
        assert render_slides(summary).startswith("# Lab 1")


def test_a_name_used_by_many_is_the_most_common_issue_and_counts_once_a_student() -> None:
    results = [
        *(student(f"s{i}", shadowing("sum", "sum", "max"), source="sum = 0") for i in range(3)),
        student("s8", shadowing("sum"), source="sum = 1"),
        student("s9", finding("builtin-shadowing", 2)),
    ]
    first, second = summarise(RUBRIC, results).issues
    assert first.title == "`sum` used as a variable name"
    assert (first.students, first.share, first.code) == (4, 0.8, "sum = 0")
    assert (second.title, second.students) == ("`max` used as a variable name", 3)


def test_a_name_that_costs_nothing_has_its_share_and_leads_what_is_as_common_but_vague() -> None:
    free = finding("builtin-shadowing", 0, exhibits=(Names(names=(UsedName(name="sum", cell=0, line=1),)),))
    unmarked = free.model_copy(update={"out_of": 0.0, "status": Status.FAIL})
    wrong = finding("sum-of-cubes", 0, message="It is wrong.")
    first, second = summarise(RUBRIC, [student(f"s{i}", wrong, unmarked) for i in range(3)]).issues
    assert (first.title, first.students, first.share) == ("`sum` used as a variable name", 3, 1.0)
    assert (second.title, second.points) == ("Missed: The sum of cubes", 12)


def test_recognised_mistakes_are_issues_of_their_own() -> None:
    off = student("s1", finding("sum-of-cubes", 0, exhibits=calls("off by one", "off by one", None)))
    printed = student("s2", finding("sum-of-cubes", 2, exhibits=calls("it prints instead of returning")))
    titles = {issue.title: issue.students for issue in summarise(RUBRIC, [off, printed]).issues}
    assert titles == {
        "The sum of cubes: off by one": 1,
        "The sum of cubes: it prints instead of returning": 1,
    }


def test_messages_that_differ_in_names_and_numbers_are_one_issue() -> None:
    results = [
        student("s1", finding("sum-of-cubes", 0, message="`f` gives 35 for 3. More words.")),
        student("s2", finding("sum-of-cubes", 0, message="`sum_of_cubes` gives 1.5 for 9.")),
        student("s3", finding("sum-of-cubes", 0, message="Nothing was handed in.")),
        student("s4", finding("sum-of-cubes", 0, message="`f` gives 1, 2, 3.5 for 9.")),
    ]
    issues = summarise(RUBRIC, results).issues
    assert [(issue.title, issue.students) for issue in issues] == [
        ("Missed: The sum of cubes", 3),
        ("Missed: The sum of cubes", 1),
    ]
    assert issues[0].points == 12


def test_files_that_could_not_be_read_are_an_outcome_and_no_issue() -> None:
    unreadable = student("s1", finding("sum-of-cubes", 0, message="The file could not be read."))
    summary = summarise(RUBRIC, [replace(unreadable, outcome=Outcome.INVALID_SUBMISSION), full("s2", 10)])
    assert summary.issues == ()
    assert summary.criteria[0].wrong == 0
    assert summary.marks.judged == 2
    assert (Outcome.INVALID_SUBMISSION, 1) in summary.outcomes


def test_what_waits_for_a_ta_is_no_mistake() -> None:
    summary = summarise(RUBRIC, [student("s1", waiting("explain")), student("s2", waiting("sum-of-cubes"))])
    assert summary.issues == ()
    assert [(line.id, line.waiting, line.pending) for line in summary.waiting] == [
        ("sum-of-cubes", 1, 4),
        ("explain", 1, 4),
    ]


def test_a_decision_counts_in_place_of_the_finding() -> None:
    decided = student(
        "s1",
        shadowing("sum"),
        waiting("explain"),
        given={"explain": (4, "good"), "builtin-shadowing": (2, "it was a parameter")},
        late=LateLine(days=1, tokens=0, points=1, why="one day late"),
    )
    summary = summarise(RUBRIC, [decided])
    assert summary.marks.mean == 5
    assert summary.issues == ()
    assert summary.waiting == ()
    assert [line.correct for line in summary.criteria] == [0, 1, 1]


def test_examples_carry_neither_names_nor_comments_nor_strings() -> None:
    source = 'total = sum_of("Jane Doe")  # by jane.doe, S123'
    message = "`total` of S123 is wrong."
    result = student(
        "s123", finding("sum-of-cubes", 0, message=message, where=(Where(cell=0, line=1),)), source=source
    )
    slides = render_slides(summarise(RUBRIC, [result]))
    assert 'total = sum_of("...")' in slides
    assert "(student) is wrong" in slides
    assert "ane" not in slides
    assert "123" not in slides


def test_a_criterion_that_nobody_gets_is_odd() -> None:
    results = [student(f"s{i}", finding("sum-of-cubes", 0)) for i in range(5)]
    assert "is the rubric right?" in summarise(RUBRIC, results).odd[0].odd
    assert summarise(RUBRIC, results[:4]).odd == ()


@pytest.mark.parametrize(("right", "odd"), [(1, True), (2, False)])
def test_in_a_large_class_a_criterion_that_nearly_nobody_gets_is_odd(right: int, odd: bool) -> None:
    results = [student(f"s{i}", finding("sum-of-cubes", 4 if i < right else 0)) for i in range(25)]
    told = [line.odd for line in summarise(RUBRIC, results).odd]
    assert told == (["24 of 25 get none of it: is the rubric right?"] if odd else [])


def test_a_check_that_failed_or_never_measured_is_odd() -> None:
    results = [
        student(
            "s1", waiting("sum-of-cubes", Status.CHECK_ERROR), waiting("explain", Status.MISSING_EVIDENCE)
        )
    ]
    told = {line.id: line.odd for line in summarise(RUBRIC, results).odd}
    assert told == {
        "sum-of-cubes": "the check itself failed for 1 submission",
        "explain": "not measured for 1 submission: run them again",
    }


def test_a_check_that_mostly_cannot_tell_is_odd_but_a_manual_one_is_not() -> None:
    results = [student(f"s{i}", waiting("sum-of-cubes"), waiting("explain")) for i in range(5)]
    (line,) = summarise(RUBRIC, results).odd
    assert (line.id, line.odd) == (
        "sum-of-cubes",
        "the check cannot tell for 5 of 5: is its section found?",
    )


def test_a_criterion_on_which_better_students_do_worse_is_odd() -> None:
    results = [
        student(f"s{i}", finding("sum-of-cubes", 4 if i < 6 else 0), finding("explain", 0 if i < 6 else 4))
        for i in range(12)
    ]
    assert {line.id for line in summarise(RUBRIC, results).odd} == {"sum-of-cubes", "explain"}


def test_outliers_and_marks_near_a_threshold_are_named() -> None:
    results = [full(f"s{i}", points) for i, points in enumerate([8, 8.5, 9, 9, 9.5, 10, 1, 5.5])]
    standings = summarise(RUBRIC, results).standings
    assert [(each.student, each.why) for each in standings] == [
        ("s6", "far below the others"),
        ("s7", "near 50 % (5 points)"),
    ]


def test_marks_that_can_still_change_are_neither_outliers_nor_near_a_threshold() -> None:
    settled = [full(f"s{i}", 9) for i in range(6)]
    low = student("low", finding("sum-of-cubes", 1), finding("builtin-shadowing", 0), finding("explain", 0))
    open_still = student(
        "open", finding("sum-of-cubes", 3), finding("builtin-shadowing", 2), waiting("explain")
    )
    told = {each.student: each.why for each in summarise(RUBRIC, [*settled, low, open_still]).standings}
    assert told == {"low": "far below the others"}


def test_marks_far_above_the_others_are_named_but_a_step_above_equal_marks_is_none() -> None:
    results = [*(full(f"s{i}", 2) for i in range(8)), full("step", 2.5), full("best", 10)]
    (standing,) = summarise(RUBRIC, results, thresholds=()).standings
    assert (standing.student, standing.why) == ("best", "far above the others")


def test_open_remark_requests_wait_for_tas() -> None:
    summary = summarise(RUBRIC, [full("s1", 10)], remarks=["s1", "s2"])
    assert "2 open remark requests: s1 and s2" in Outline(render_summary_html(summary)).text
    assert "2 remark requests open: s1 and s2" in render_summary_text(summary)


def test_outcomes_and_times() -> None:
    results = [
        replace(student("s1"), wall_time_s=2.0),
        replace(student("s2"), wall_time_s=90.0, outcome=Outcome.TIMEOUT),
        replace(student("s3"), wall_time_s=4.0),
    ]
    summary = summarise(RUBRIC, results)
    assert summary.outcomes == ((Outcome.COMPLETED, 2), (Outcome.TIMEOUT, 1))
    assert summary.median_time_s == 4.0
    assert summary.slowest[0] == ("s2", 90.0)
    assert "median 4.0 s; slowest s2 1 min 30 s" in render_summary_text(summary)


@pytest.fixture
def class_page() -> str:
    results = [full(f"s{i}", 10 - i % 7) for i in range(20)]
    results += [student(f"t{i}", shadowing("sum"), waiting("explain"), source="sum = 0") for i in range(6)]
    return render_summary_html(summarise(RUBRIC, results))


def test_the_page_has_an_outline_and_says_its_pictures_in_words(class_page: str) -> None:
    outline = Outline(class_page)
    assert [title for level, title in outline.headings if level == 2] == [
        "Marks",
        "Common issues",
        "Criteria",
        "What waits for TAs",
        "Submissions to look at",
        "Runs",
    ]
    assert 'aria-label="Median ' in class_page
    assert 'aria-label="' in class_page
    assert "sum used as a variable name" in outline.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_in_the_page_and_in_slides(text: str) -> None:
    named = finding("builtin-shadowing", 0, exhibits=(Names(names=(UsedName(name=text, cell=0, line=1),)),))
    said = finding("sum-of-cubes", 0, message=f"{text} is wrong.", where=(Where(cell=0, line=1),))
    summary = summarise(RUBRIC, [student(text, named, said, source=text)])
    page = render_summary_html(summary)
    assert CANARY in page
    assert Inspection(page).offences == []
    outside_code = "".join(render_slides(summary).split("`")[::2])
    assert "<" not in outside_code
    assert "](" not in outside_code


@given(st.text(max_size=80))
def test_text_and_slides_never_carry_control_sequences(text: str) -> None:
    summary = summarise(RUBRIC, [student("s1", finding("sum-of-cubes", 0, message=f"\x1b[31m{text}"))])
    assert "\x1b" not in render_summary_text(summary) + render_slides(summary)
