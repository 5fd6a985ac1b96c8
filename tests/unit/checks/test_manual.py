"""What only a person can judge, and where nothing is to judge."""

from __future__ import annotations

import pytest

from grader.checks.manual import Manual
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.exhibits import Prompt
from grader.judging.judgement import Status
from tests import factories
from tests.factories import cell
from tests.unit.checks.parts import GIVEN, HANDOUT, HEADING, SECTIONS, judge

MANUAL = Manual(prompt="Look at it.")


def test_a_person_judges_what_was_handed_in_and_is_told_where():
    judgement = judge(MANUAL, cell(2, "Because.", kind="markdown"))
    assert (judgement.status, judgement.open_share) == (Status.NEEDS_TA, 1.0)
    assert judgement.exhibits == (Prompt(text="Look at it."),)
    assert "Look at it." not in judgement.message
    assert [place.cell for place in judgement.where] == [2]


def test_a_section_left_as_it_was_given_is_no_burden_to_anybody():
    assert judge(MANUAL).status is Status.FAIL
    assert judge(MANUAL, cell(2, "   ")).status is Status.FAIL


def test_a_given_cell_that_the_student_ran_is_something_to_look_at():
    ran = cell(1, GIVEN.source, stored="32")
    evidence = factories.evidence((HEADING, ran))
    case = factories.case(MANUAL, evidence, sections=SECTIONS, section="a", handout=HANDOUT)
    assert MANUAL.judge(case).status is Status.NEEDS_TA


def test_a_section_that_is_not_found_or_not_known_is_a_persons_to_find():
    lost = judge(MANUAL, section="b")
    assert lost.status is Status.NEEDS_TA
    assert "not found" in lost.open
    assert judge(MANUAL, section=None).status is Status.NEEDS_TA


def test_a_second_section_may_hold_the_answer():
    check = Manual(prompt="Look.", sections=("b",))
    cells = (cell(2, "# Part b", kind="markdown"), cell(3, "Here."))
    assert judge(check, *cells).status is Status.NEEDS_TA


LETTERS = {
    "a": Section(title="Part 1 (a)", heading="^Part a"),
    "b": Section(title="Part 1 (b)", heading="^Part b"),
}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("# (b) they are equal\n(output == output2).all()", Status.NEEDS_TA),
        ("x = 1\n# b) they are equal", Status.NEEDS_TA),
        ("# Part b: equal", Status.NEEDS_TA),
        ("print('(b)')", Status.FAIL),
        ("(b) + 1", Status.FAIL),
        ("b = 1\nx[(b)]", Status.FAIL),
        ("# (a) as above, not for (b)", Status.FAIL),
    ],
)
def test_an_answer_in_the_cell_of_the_part_before_is_for_a_ta_to_see(text: str, status: Status):
    cells = (HEADING, GIVEN, cell(2, text), cell(3, "# Part b", kind="markdown", handout_id="b"))
    handout = {"cells": [{"cell_type": "markdown", "source": "# Part b", "metadata": {"id": "b"}}]}
    given = factories.evidence(cells)
    case = factories.case(MANUAL, given, sections=LETTERS, section="b", handout=fingerprint(handout))
    judgement = MANUAL.judge(case)
    assert judgement.status is status
    assert [place.cell for place in judgement.where] == ([2] if status is Status.NEEDS_TA else [3])
