"""Numbers that an answer has to state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from grader.checks.answers.number_answer import NumberAnswer
from grader.evidence.record import (
    CellRecord,
    ShimKind,
    ShimUse,
    WatchedValue,
)
from grader.facts.sections import Section
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell
from tests.unit.checks.parts import GIVEN, HANDOUT, HEADING, SECTIONS, judge

COUNTS = NumberAnswer(numbers={"training": 8000, "validation": 2000})


@pytest.mark.parametrize(
    "answer",
    [
        cell(2, "print(len(a), len(b))", printed="8000\n2000"),
        cell(2, "print(a)", stored="training 8,000; validation 2,000"),
        cell(2, "There are 8000 and 2000.", kind="markdown"),
        cell(2, "# 8000 and 2000"),
        cell(2, "training, validation = 8000, 2000"),
    ],
)
def test_all_numbers_stated_are_right_wherever_they_stand(answer: CellRecord):
    assert judge(COUNTS, answer).status is Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "$8{,}000$ training, $2{,}000$ validation",
        "8.000 training and 2.000 validation",
        "8×10³ and 2×10³",
        r"$8\cdot10^3$ for training, $2\cdot10^{3}$ for validation",
        "8k training, 2k validation",
        "8 thousand and 2 thousand",
        "| training | 8,000 |\n| validation | 2,000 |",
        "8000 training pictures and 2000 for validation",
        "8\u2019000 training, 2\u2019000 validation",
        "8&nbsp;000 training, 2&#8239;000 validation",
        "8\uff0c000 for training\uff1b2\uff0c000 for validation",
        "train 8000 val 2000",
        "Training and validation set have 8000 and 2000 pictures respectively.",
        "8000/2000 (train/val)",
        "Of 10000 for training and validation 8000 and 2000 are taken.",
    ],
)
def test_numbers_count_however_they_are_written(text: str):
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is Status.PASS


@pytest.mark.parametrize("text", ["0.800 and 0.200", "8.000 and 2.000 in 0.5 s", "8.5 and 2.000", "8e2, 2e2"])
def test_decimals_are_no_thousands(text: str):
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is not Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "2000 training, 8000 validation",
        "training: 2000\nvalidation: 8000",
        "2{,}000 for training; 8{,}000 for validation",
        "2k training and 8k validation",
        "We use 2,000 training pictures. The validation set has 8,000.",
        "train 2000 val 8000",
        "2k train 8k val",
        "Training and validation set have 2000 and 8000 pictures respectively.",
        "train/val = 2000/8000",
    ],
)
def test_numbers_that_are_exchanged_earn_nothing_yet(text: str):
    judgement = judge(COUNTS, cell(2, text, kind="markdown"))
    assert judgement.status is Status.NEEDS_TA
    assert "training 2000, validation 8000" in judgement.message


def test_one_place_that_names_them_rightly_is_enough():
    text = "training 8000, validation 2000\n2000 training, 8000 validation"
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is Status.PASS
    three = NumberAnswer(numbers={"training": 8000, "validation": 2000, "test": 2000})
    equal = "8000 training, 2000 validation, 2000 test"
    assert judge(three, cell(2, equal, kind="markdown")).status is Status.PASS
    turned = "2000 training, 8000 validation, 2000 test"
    assert judge(three, cell(2, turned, kind="markdown")).status is Status.NEEDS_TA


OUTER = {
    "part": Section(title="Part 1", heading="^Part 1"),
    "a": Section(title="1 (a)", heading=r"^\(a\)", within="part"),
    "b": Section(title="1 (b)", heading=r"^\(b\)", within="part"),
}


def without_heading(*cells: CellRecord, heading: str = "(a)") -> Judgement:
    """The answer to (b), whose heading was deleted: its cells stand under that of (a), or of the part."""
    top = [cell(0, "# Part 1", kind="markdown"), cell(1, f"## {heading}", kind="markdown")]
    placed = [each.model_copy(update={"index": place}) for place, each in enumerate((*top, *cells))]
    evidence = factories.evidence(placed)
    return COUNTS.judge(factories.case(COUNTS, evidence, sections=OUTER, section="b"))


@pytest.mark.parametrize("heading", ["(a)", "Notes"])
def test_numbers_of_a_question_whose_heading_was_deleted_are_looked_for_in_the_part_around_it(heading: str):
    shows = cell(2, "print(n, m)", printed="8000 2000")
    judgement = without_heading(cell(2, "x = 1"), shows, heading=heading)
    assert judgement.status is Status.NEEDS_TA
    assert judgement.message == "The part '1 (b)' was not found in the notebook."
    assert (
        judgement.open
        == "But cell 3 of 'Part 1' has training 8000, validation 2000, which may be the answer."
    )
    assert [place.cell for place in judgement.where] == [3]


def test_other_numbers_around_a_question_that_was_not_found_are_no_answer():
    for answer in (cell(2, "print(n)", printed="8000"), cell(2, "print(n)", printed="7000 3000")):
        judgement = without_heading(answer)
        assert judgement.status is Status.NEEDS_TA
        assert judgement.open == "The answer may stand elsewhere in it."
        assert judgement.where == ()


STAND_IN = (ShimUse(kind=ShimKind.DATASET, cell=2),)


@pytest.mark.parametrize("shown", ["4018\n3982\n1009\n991", "cats 4018 dogs 3982, then 1009 and 991"])
def test_counts_shown_class_by_class_go_to_a_ta(shown: str):
    given = cell(2, "print(n)", stored=shown, printed="310\n290\n300\n300")
    assert judge(COUNTS, given, shims=STAND_IN).status is Status.NEEDS_TA
    ten = cell(2, "print(n)", stored="\n".join(["800"] * 10 + ["200"] * 10))
    assert judge(COUNTS, ten).status is Status.NEEDS_TA


def test_numbers_of_our_stand_in_are_never_what_the_student_says():
    ours = cell(2, "print(n)", printed="1000\n500")
    assert judge(COUNTS, ours).status is Status.FAIL
    assert "your code prints 1000, 500" in judge(COUNTS, ours).message
    assert judge(COUNTS, ours, shims=STAND_IN).status is Status.NEEDS_TA
    right = cell(2, "print(n)", stored="8000\n2000", printed="1000\n500")
    assert judge(COUNTS, right, shims=STAND_IN).status is Status.PASS
    wrong = judge(COUNTS, cell(2, "print(n)", stored="900\n600", printed="1000\n500"), shims=STAND_IN)
    assert wrong.status is Status.FAIL
    assert "the answer says 900, 600." in wrong.message


def test_other_numbers_are_wrong_some_or_none_go_to_a_ta_and_no_answer_earns_nothing():
    wrong = judge(COUNTS, cell(2, "1000 and 500", kind="markdown"))
    assert wrong.status is Status.FAIL
    assert "1000, 500" in wrong.message
    assert judge(COUNTS, cell(2, "8000 and many", kind="markdown")).status is Status.NEEDS_TA
    assert judge(COUNTS, cell(2, "many", kind="markdown")).status is Status.NEEDS_TA
    assert judge(COUNTS).status is Status.FAIL


FLOATS = NumberAnswer(numbers={"floats": 58500})


@pytest.mark.parametrize("text", ["58 500 numbers", "58'500", "58\u202f500", "58,500.", "= **58 500**"])
def test_thousands_set_apart_are_one_number(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.PASS
    assert judge(FLOATS, cell(2, f"1 {text}", kind="markdown")).status is Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "130 x 150 x 3",
        "130*150*3 of them, 19500 for each colour",
        r"$130 \times 150 \times 3$ or $19500 \cdot 3$",
        r"19500\*3",
        "19500 red, 19500 green and 19500 blue",
    ],
)
def test_a_right_answer_that_is_not_worked_out_goes_to_a_ta(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.NEEDS_TA


@pytest.mark.parametrize("text", ["130*150 = 19500", "78000", "19500 and 19500", "130 * 150 * 4 = 78000"])
def test_another_count_is_wrong_with_or_without_its_arithmetic(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.FAIL


@pytest.mark.parametrize(
    "text", ["as in Part 3", "It took 12 seconds.", "floats: see Part 3 (12 min)", "1. floats"]
)
def test_a_number_about_another_thing_is_no_wrong_answer(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.NEEDS_TA


def test_a_number_of_another_size_is_wrong_where_it_is_said_of_what_was_asked():
    judgement = judge(FLOATS, cell(2, "print(text)", printed="dtype float32, so 32 floats"))
    assert judgement.status is Status.FAIL
    assert "your code prints 32." in judgement.message


def test_a_usual_mistake_is_named_where_its_number_is_given():
    named = FLOATS.model_copy(update={"mistakes": {"float32 is a type": 32}})
    message = judge(named, cell(2, "print(text)", printed="dtype float32, so 32 floats")).message
    assert message == "Expected 58500 (floats); your code prints 32: float32 is a type."
    assert "type" not in judge(named, cell(2, "33 floats", kind="markdown")).message


SIZES = NumberAnswer(numbers={"floats": 58500}, follows={"floats": "t"})


def of_a_tensor(tensor: Any, words: str) -> Judgement:
    arrays: list[np.ndarray] = []
    held = WatchedValue(name="t", cell=1, value=factories.value_of(tensor, arrays))
    given = factories.evidence((HEADING, GIVEN, cell(2, words, kind="markdown")), values=(held,))
    return SIZES.judge(
        factories.case(SIZES, given, sections=SECTIONS, section="a", handout=HANDOUT, arrays=arrays)
    )


def test_the_number_of_elements_that_the_students_own_variable_has_is_right_too():
    tensor = np.zeros((150, 130, 4))
    assert of_a_tensor(tensor, "78000").status is Status.PASS
    assert of_a_tensor(tensor, "78000").message == "The answer states 78000 (floats), as `t` has."
    assert of_a_tensor(tensor, "58500").message == "The answer states 58500 (floats)."
    assert of_a_tensor(tensor, "150 * 130 * 4").status is Status.NEEDS_TA
    wrong = of_a_tensor(tensor, "19500")
    assert wrong.status is Status.FAIL
    assert wrong.message == "Expected 58500 (floats), or 78000 as `t` has; the answer says 19500."


@pytest.mark.parametrize("held", [np.zeros((130, 150, 3)), None, "a text", [1.0] * 78000])
def test_without_a_variable_of_another_size_only_the_given_number_is_right(held: Any):
    assert of_a_tensor(held, "78000").status is Status.FAIL
    assert of_a_tensor(held, "58500").status is Status.PASS


def test_a_variable_has_to_belong_to_a_number_asked_for():
    with pytest.raises(ValidationError, match="none of 'numbers'"):
        NumberAnswer(numbers={"floats": 58500}, follows={"integers": "t"})


@pytest.mark.parametrize("text", ["torch.Size([130, 150, 3])", "(150, 130, 3)"])
def test_a_shape_without_the_number_that_it_makes_goes_to_a_ta_and_is_called_so(text: str):
    judgement = judge(FLOATS, cell(2, "t.size()", printed=text))
    assert judgement.status is Status.NEEDS_TA
    assert "The answer shows the shape [1" in judgement.message
    assert "not the number that this makes: 58500 (floats)" in judgement.message


@pytest.mark.parametrize("shown", [("printed",), ("stored",), ("printed", "stored")])
def test_one_number_answers_two_questions_only_where_no_other_is_given(shown: tuple[str, ...]):
    check = NumberAnswer(numbers={"training": 8000, "validation": 2000, "test": 2000})

    def status(text: str) -> Status:
        return judge(check, cell(2, "print(n)", **dict.fromkeys(shown, text))).status

    assert status("8000, 2000, test 1000") is Status.NEEDS_TA
    assert status("8000, and 2000 each for validation and test") is Status.PASS
    assert status("8000 2000 2000 of 12000") is Status.PASS


def test_long_rows_of_digits_cost_no_time():
    long = "1" * 200_000
    judgement = judge(FLOATS, cell(2, f"{long} {'1 + ' * 50_000} floats", kind="markdown"))
    assert "the answer says 1." in judgement.message


def test_numbers_of_the_handout_are_no_answer():
    assert judge(NumberAnswer(numbers={"classes": 10})).status is Status.FAIL
    assert judge(NumberAnswer(numbers={"size": 32})).status is Status.FAIL


def test_a_tolerance_is_the_largest_error_allowed():
    near = NumberAnswer(numbers={"accuracy": 0.7}, tolerance=0.05)
    assert judge(near, cell(2, "0.74", kind="markdown")).status is Status.PASS
    assert judge(near, cell(2, "0.76", kind="markdown")).status is Status.FAIL
