"""Rubric files: what is read, and what is said about what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from grader.errors import RubricError
from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.rubric.loader import load_rubric
from grader.rubric.text import MAX_CHARACTERS


class Nested(Check):
    check: Literal["counted"] = "counted"
    expected: int
    mode: Literal["exact", "near"] = "exact"
    place: SectionName | None = None

    def judge(self, case: Case) -> Judgement:
        return Judgement.passed("right")


KINDS = {"counted": Nested}

GOOD = """\
assignment: lab
title: A lab
total: 3
sections:
  one: {title: Part 1, heading: '^Part 1'}
  one-a: {title: Part 1a, heading: Part a, within: one}
remarks:
  remarks_open_from: 2026-01-01T00:00:00-05:00
criteria:
  - id: first
    title: First
    points: 1
    section: one-a
    check: counted
    expected: 4
  - id: second
    title: Second
    points: 2
    check: counted
    expected: 5
    place: one
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(RubricError) as caught:
        load_rubric(text, KINDS, name="lab.yaml")
    return caught.value.problems


def test_a_good_rubric_gives_typed_criteria_and_the_digest_of_its_text():
    rubric = load_rubric(GOOD, KINDS)
    assert [criterion.id for criterion in rubric.criteria] == ["first", "second"]
    assert rubric.criteria[0].check == Nested(expected=4)
    assert rubric.sections["one-a"].within == "one"
    assert len(rubric.digest) == 64
    assert rubric.digest != load_rubric(GOOD + "# a remark\n", KINDS).digest


def test_details_can_be_held_back_until_a_date_that_is_given():
    held_back = GOOD.replace("expected: 4", "expected: 4\n    release: after_remarks")
    dated = held_back.replace("remarks_open_from: 2026-01", "remarks_open_until: 2026-02")
    assert load_rubric(dated, KINDS).criteria[0].release == "after_remarks"


def test_an_entry_that_is_no_criterion_is_one_problem():
    (problem,) = problems_of(GOOD.replace("criteria:\n", "criteria:\n  - first\n"))
    assert "a criterion is a mapping" in problem


def test_a_file_and_its_text_give_the_same_rubric(tmp_path: Path):
    path = tmp_path / "lab.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_rubric(path, KINDS) == load_rubric(GOOD, KINDS)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    points: 1", "    pionts: 1", "lab.yaml:12: unknown key 'pionts'; did you mean 'points'?"),
        ("check: counted", "check: couned", "lab.yaml:14: unknown check 'couned'; did you mean 'counted'?"),
        ("expected: 4", "expectd: 4", "lab.yaml:15: unknown key 'expectd'; did you mean 'expected'?"),
        ("expected: 4", "expected: four", "lab.yaml:15: 'expected': input should be a valid integer"),
        ("id: second", "id: first", "lab.yaml:16: criterion id 'first' is used before, in line 10"),
        ("total: 3", "total: 4", "lab.yaml:3: the criteria's points add up to 3, but 'total' is 4"),
        ("section: one-a", "section: one_a", "lab.yaml:13: unknown section 'one_a'; did you mean 'one-a'?"),
        ("    expected: 4", "    expected: 4\n    beside: [won]", "lab.yaml:16: unknown section 'won'"),
        ("place: one", "place: won", "lab.yaml:21: unknown section 'won'"),
        ("within: one", "within: on", "lab.yaml:6: unknown section 'on'; did you mean 'one'?"),
        ("'^Part 1'", "'(Part 1'", "lab.yaml:5: 'sections.one.heading': not a regular expression"),
        (
            "2026-01-01T00:00:00-05:00",
            "next week",
            "lab.yaml:8: 'remarks.remarks_open_from':",
        ),
        ("2026-01-01T00:00:00-05:00", "2026-01-01T00:00:00", "names no time zone; write its offset"),
        (
            "expected: 4",
            "expected: 4\n    mode: nearr",
            "lab.yaml:16: 'mode' is 'nearr'; did you mean 'near'?",
        ),
        (
            "expected: 4",
            "expected: 4\n    release: after_remarks",
            "lab.yaml:16: 'release: after_remarks' needs 'remarks: remarks_open_until'",
        ),
        ("title: A lab", "titel: A lab", "lab.yaml:2: unknown key 'titel'; did you mean 'title'?"),
        ("    title: Second\n", "", "lab.yaml:16: key 'title' is missing"),
        ("    expected: 5\n", "", "lab.yaml:16: key 'expected' is missing"),
        ("    check: counted\n    expected: 5\n", "", "lab.yaml:16: key 'check' is missing"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_right_word(old: str, new: str, expected: str):
    assert GOOD.count(old) >= 1
    found = problems_of(GOOD.replace(old, new, 1))
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("lab.yaml:") for problem in found)


def test_all_problems_are_collected_in_the_order_of_the_file():
    bad = (
        GOOD.replace("total: 3", "totl: 3")
        .replace("id: second", "id: Second!")
        .replace("    points: 1\n", "")
    )
    found = problems_of(bad)
    lines = [int(problem.split(":")[1]) for problem in found]
    assert lines == sorted(lines)
    assert len(found) >= 4
    assert any("'points' is missing" in problem for problem in found)


def test_a_misspelt_limit_gets_the_nearest_right_word():
    found = problems_of(GOOD + "limits: {notebok_s: 3}\n")
    assert found == ["lab.yaml:22: unknown key 'notebok_s'; did you mean 'notebook_s'?"]


def test_a_criterion_with_an_unknown_check_still_has_its_other_keys_looked_at():
    bad = GOOD.replace("check: counted", "check: nonsense", 1).replace("    points: 1\n", "    points: -1\n")
    found = problems_of(bad)
    assert any("unknown check 'nonsense'; known: counted" in problem for problem in found)
    assert any("greater than or equal to 0" in problem for problem in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x [1]\nb: *x\n", "lab.yaml:2: aliases"),
        ("a: [1\n", "lab.yaml:2: not YAML"),
        ("a: 1\na: 2\n", "lab.yaml:2: key 'a' is here twice"),
        ("a: !!python/object:os.system x\n", "lab.yaml:1: the tag"),
        ("- 1\n", "lab.yaml:1: a rubric is a mapping"),
        ("", "lab.yaml:1: a rubric is a mapping"),
        ("criteria: 1\n", "lab.yaml:1: 'criteria' must be a list"),
        ("a: " + "[" * 50_000 + "]" * 50_000, "lab.yaml:1: nested deeper than 30 levels"),
        ("a: " + "[" * 40 + "]" * 40, "nested deeper than 30 levels"),
        ("#" * (MAX_CHARACTERS + 1), "at most"),
    ],
)
def test_text_that_is_no_rubric_or_would_harm_us_is_refused(text: str, expected: str):
    found = problems_of(text)
    assert any(expected in problem for problem in found), found


def test_a_missing_file_and_one_in_another_encoding_are_one_clear_line(tmp_path: Path):
    with pytest.raises(RubricError, match="cannot be read"):
        load_rubric(tmp_path / "none.yaml", KINDS)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: caf\xe9\n".encode("latin-1"))
    with pytest.raises(RubricError, match="not UTF-8"):
        load_rubric(latin, KINDS)


def test_an_error_of_the_rubric_is_the_users_to_mend():
    with pytest.raises(RubricError) as caught:
        load_rubric("{}", KINDS)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("number", [".inf", ".nan", "-.inf"])
def test_a_number_that_no_verdict_could_hold_is_refused(number: str):
    late = f"late:\n  due: 2026-01-01T00:00:00-05:00\n  grace_minutes: {number}\n"
    with pytest.raises(RubricError, match=r"late\.grace_minutes"):
        load_rubric(GOOD + late, KINDS)


def problems_of_file(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RubricError) as caught:
        load_rubric(path, KINDS)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


@pytest.mark.parametrize(("points", "told"), [("2.333", "2.333"), ("0.001", "0.001")])
def test_points_that_no_mark_can_have_are_refused_in_a_file(tmp_path: Path, points: str, told: str):
    text = GOOD.replace("points: 2", f"points: {points}").replace("total: 3", "total: 3.5")
    assert f"lab.yaml:18: {told} points can never be earned: marks have at most 2 decimals" in (
        problems_of_file(tmp_path, text)
    )


def test_points_with_two_decimals_are_taken(tmp_path: Path):
    path = tmp_path / "lab.yaml"
    path.write_text(GOOD.replace("points: 2", "points: 1.15").replace("total: 3", "total: 2.15"))
    assert load_rubric(path, KINDS).total == 2.15


@pytest.mark.parametrize("given", ["1759377540", "'1759377540'", "1759377540.0"])
def test_a_date_that_is_a_number_is_refused_with_what_was_meant(tmp_path: Path, given: str):
    (problem,) = problems_of_file(tmp_path, GOOD + f"late: {{due: {given}}}\n")
    assert problem == "lab.yaml:22: 'due' is a number; was 2025-10-02T03:59:00+00:00 meant?"


def test_a_date_that_is_too_small_a_number_is_told_how_dates_are_written(tmp_path: Path):
    (problem,) = problems_of_file(tmp_path, GOOD + "late: {due: 20261002}\n")
    assert problem == "lab.yaml:22: 'due' is a number; a date is written as 2026-10-02T23:59:00-04:00"


def test_a_rubric_of_the_history_is_read_as_it_was_written():
    """What an earlier version took and stored has to stay readable: marks stand on it."""
    thirds = GOOD.replace("points: 2", "points: 2.333").replace("total: 3", "total: 3.333")
    assert load_rubric(thirds + "late: {due: 1759377540}\n", KINDS).total == 3.333
