"""A rubric as it is written in a page: problems at their lines, and what no page may bring."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from grader.checks import registry
from grader.facts.case import Reference
from grader.rubric.loader import load_rubric
from grader.store import Store
from grader.store.records import RubricRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.publishing.draft import (
    Draft,
    Standing,
    read_draft,
    read_with_points,
    standing_rubric,
)
from tests import course

WITH_CODE = """\
assignment: mini
title: A small lab
total: 5
criteria:
  - id: measured
    title: Measured
    points: 2
    check: python
    needs: [net]
    measure: |
      def measure():
          return student["net"].bias is None
    expected: [true]
  - id: shape
    title: The right shape
    points: 3
    check: output_shape
    target: {expression: 'Net(8)'}
    input: [4, 3]
    expected: [4]
"""


#: A check of two, one of which brings code.
WITHIN = """\
    check: all_of
    of:
      - check: no_builtin_shadowing
      - {check: python, function: theirs}"""


def standing(text: str) -> Standing:
    rubric = load_rubric(text, registry(), name="mini.yaml")
    loaded = LoadedRubric(rubric, "mini.yaml", text)
    return Standing(loaded, RubricRecord(seq=7, **loaded.kept.columns), None)


def read(text: str, before: str = course.RUBRIC) -> Draft:
    return read_draft(standing(before), text, Reference())


def lines(draft: Draft) -> list[tuple[int, str]]:
    return [(problem.line, problem.what) for problem in draft.problems]


def test_a_problem_stands_at_its_line_with_the_nearest_right_word() -> None:
    draft = read(course.RUBRIC.replace("check: manual", "chek: manual"))
    assert draft.loaded is None
    assert lines(draft) == [(9, "key 'check' is missing")]
    draft = read(course.RUBRIC.replace("check: manual", "check: manuel"))
    [(line, what)] = lines(draft)
    assert line == 12 and what.startswith("unknown check 'manuel'; did you mean 'manual'?")
    draft = read(course.RUBRIC.replace("    prompt: any", "    promt: any"))
    assert (13, "unknown key 'promt'; did you mean 'prompt'?") in lines(draft)
    twice = read(course.RUBRIC.replace("total: 5", "total: 6"))
    assert lines(twice) == [(3, "the criteria's points add up to 5, but 'total' is 6")]


def test_what_is_no_yaml_is_told_at_a_line_too() -> None:
    draft = read(course.RUBRIC.replace("title: A small lab", "title: [A small lab"))
    assert draft.loaded is None
    assert [line > 1 for line, _ in lines(draft)] == [True]
    assert "not YAML" in draft.problems[0].what


def test_a_browsers_line_ends_and_a_lost_last_one_change_nothing() -> None:
    sent = course.RUBRIC.rstrip("\n").replace("\n", "\r\n")
    draft = read(sent)
    assert (draft.text, draft.same) == (course.RUBRIC, True)
    other = read(sent.replace("any sound reason", "a reason"))
    assert not other.same and other.loaded is not None
    assert other.loaded.text == course.RUBRIC.replace("any sound reason", "a reason")
    assert other.loaded.name == "mini.yaml"


def test_points_that_no_mark_can_have_are_refused_as_in_a_file() -> None:
    draft = read(course.RUBRIC.replace("points: 2", "points: 1.999").replace("total: 5", "total: 4.999"))
    assert {line for line, _ in lines(draft)} == {3, 7}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("is None", "is not None"), 8),
        (("needs: [net]", "needs: [net2]"), 8),
        (("expression: 'Net(8)'", "expression: 'open(\"x\")'"), 17),
        (("check: output_shape\n    target: {expression: 'Net(8)'}\n    input: [4, 3]\n    expected: [4]",
          "check: python\n    function: theirs"), 17),
        (("- id: shape", f"- id: both\n    title: Both\n    points: 0\n{WITHIN}\n  - id: shape"), 17),
    ],
)  # fmt: skip
def test_no_page_brings_code(change: tuple[str, str], line: int) -> None:
    text = WITH_CODE.replace(*change)
    draft = read(text, WITH_CODE)
    assert draft.loaded is None
    assert [each for each, what in lines(draft) if "brings code" in what] == [line]


def test_code_that_stands_already_may_move_and_be_worth_more() -> None:
    text = WITH_CODE.replace("points: 2", "points: 4").replace("total: 5", "total: 7")
    draft = read(text.replace("id: measured", "id: measured-anew"), WITH_CODE)
    assert draft.loaded is not None and draft.problems == ()


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ("assignment: mini", "assignment: maxi", 1),
        ("total: 5\n", "total: 5\nhandout: other.json\n", 4),
        ("total: 5\n", "total: 5\nmay_import: [ctypes]\n", 4),
    ],
)
def test_what_lies_in_the_courses_folder_is_not_changed_from_a_page(
    was: str, becomes: str, line: int
) -> None:
    draft = read(course.RUBRIC.replace(was, becomes))
    assert draft.loaded is None
    [(at, what)] = lines(draft)
    assert at == line and "only in the course's folder" in what


def test_points_are_written_where_they_stand_with_the_total_that_follows() -> None:
    text = course.RUBRIC.replace("points: 2", "points: 2  # for the builtins")
    draft = read_with_points(
        standing(course.RUBRIC), text, {"builtin-shadowing": 3.5, "other": 1}, Reference()
    )
    assert draft.text == text.replace("points: 2 ", "points: 3.5 ").replace("total: 5", "total: 6.5")
    assert draft.loaded is not None and draft.loaded.rubric.total == 6.5


def test_points_are_not_written_where_no_number_stands() -> None:
    text = course.RUBRIC.replace("points: 2", "points:\n      2")
    draft = read_with_points(standing(course.RUBRIC), text, {"builtin-shadowing": 3}, Reference())
    assert draft.loaded is None and draft.text == text
    assert "no number of its own" in draft.problems[0].what


def test_the_rubric_that_stands_is_the_one_of_the_newest_verdict(graded: Store) -> None:
    stands = standing_rubric(graded, "mini")
    assert stands.loaded.text == course.RUBRIC
    assert stands.published is None
    other = replace(stands, record=replace(stands.record, digest="0" * 64))
    assert other.key != stands.key


def test_dates_without_a_zone_are_the_courses_as_in_a_file() -> None:
    text = course.RUBRIC + "late:\n  due: 2026-03-09T23:59:00\n"
    draft = read_draft(replace(standing(course.RUBRIC), zone=ZoneInfo("Europe/Vienna")), text, Reference())
    assert draft.loaded is not None
    assert draft.text == text.replace("23:59:00", "23:59:00+01:00")
    assert read(text).loaded is None
