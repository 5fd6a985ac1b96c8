from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from grader.checks.answers.output_units import OutputUnits, UnitsAsked
from grader.checks.answers.weight_counts import WeightCounts
from grader.evidence.record import CellError
from grader.facts.sections import Alignment, Section
from grader.judging.judgement import Status
from tests.factories import case, case_of_variables, cell, evidence

UNITS = OutputUnits(
    answers=[
        {"name": "grey", "input": [1, 7, 7], "kernel": 3},
        {"name": "five", "input": [3, 7, 7], "kernel": 3, "filters": 5},
        {"name": "ten", "input": [5, 32, 32], "kernel": 3, "filters": 10},
    ]
)
WEIGHTS = WeightCounts(
    answers=[
        {"weights": "weights", "biases": "biases", "convolution": [5, 3, 3, 3]},
        {"total": "mlp", "linear": [784, 50]},
    ]
)


def judge(check, *held, **more):
    return check.judge(case_of_variables(check, *held, **more))


# Source of the numbers: the lecture's questions (LABS: 25, 5x5x5, 10x30x30 units; 135 + 5; 784*50 + 50).
@pytest.mark.parametrize(
    "ten",
    [
        9000,
        9000.0,
        np.int64(9000),
        (10, 30, 30),
        (30, 30, 10),
        (1, 30, 30, 10),
        torch.Size([10, 30, 30]),
        "9,000",
        "10x30x30",
        "10 × 30 × 30",
        "10*30*30",
        "10 * 30 * 30 = 9,000",
        "(10, 30, 30)",
        "10 x (32 - 2) x (32 - 2)",
    ],
)
def test_numbers_and_shapes_are_right_answers(ten):
    assert judge(UNITS, ("grey", 25), ("five", [5, 5, 5]), ("ten", ten)).status is Status.PASS


@pytest.mark.parametrize("answer", ["10x32x32", "10*30*30 = 8000", "(10, 30)", "9000**1", "many"])
def test_a_text_that_gives_another_number_or_none_is_wrong(answer):
    judgement = judge(UNITS, ("grey", 25), ("five", 125), ("ten", answer))
    assert judgement.status is (Status.NEEDS_TA if answer == "9000**1" else Status.PARTIAL)


def test_numbers_in_a_text_that_cannot_be_worked_out_go_to_a_ta():
    judgement = judge(UNITS, ("grey", 25), ("five", 125), ("ten", "9000 units"))
    assert judgement.status is Status.NEEDS_TA
    assert "is the text '9000 units'" in judgement.message


def in_section(words, *held, **more):
    heading, sources = "# Units", [f"{name} = ..." for name, _ in held]
    source = case_of_variables(UNITS, *held, sources=[*sources, heading, words], **more)
    kinds = ["code"] * len(held) + ["markdown"] * 2
    cells = [
        one.model_copy(update={"kind": kind}) for one, kind in zip(source.evidence.cells, kinds, strict=True)
    ]
    given = source.evidence.model_copy(update={"cells": tuple(cells)})
    sections = {"units": Section(title="Units", heading="^Units")}
    return UNITS.judge(case(UNITS, given, arrays=source.bundle.arrays, sections=sections, section="units"))


def test_an_answer_in_words_beside_a_variable_left_none_goes_to_a_ta():
    held = ("grey", 25), ("five", 125), ("ten", None)
    judgement = in_section("(d) 10 x 30 x 30 = 9000", *held)
    assert judgement.status is Status.NEEDS_TA
    assert judgement.share == pytest.approx(2 / 3)
    assert "numbers in words" in judgement.open
    assert in_section("That was hard.", *held).status is Status.PARTIAL
    assert in_section("### 4.1 Units [4 pt]\nThat was hard.", *held).status is Status.PARTIAL


def test_height_and_width_are_enough_for_one_filter_only():
    judgement = judge(UNITS, ("grey", (5, 5)), ("five", (5, 5)), ("ten", torch.tensor(9000)))
    assert judgement.share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (7 * 7 * 5, "the border is not taken off"),
        (25, "one filter only"),
        (5, "the length of one side"),
        (75, "as many channels as there are kernels"),
        (80, "off by one"),
    ],
)
def test_usual_mistakes_in_units_are_named_with_the_arithmetic(answer, named):
    judgement = judge(UNITS, ("grey", 25), ("five", answer), ("ten", 9000))
    assert judgement.status is Status.PARTIAL
    assert named in judgement.message
    assert "(7 - 3) + 1 = 5; 5*5*5 = 125 units" in judgement.message


def test_padding_and_stride_enter_the_arithmetic():
    asked = UnitsAsked(name="x", input=(1, 7, 9), kernel=3, stride=2, padding=1)
    assert asked.shape == (1, 4, 5)
    assert asked.arithmetic == "(7 + 2*1 - 3)/2 + 1 = 4, (9 + 2*1 - 3)/2 + 1 = 5; 1*4*5 = 20 units"


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), True, "a few", [25, 25], {"units": 25}])
def test_what_is_no_such_number_is_wrong(answer):
    judgement = judge(UNITS, ("grey", answer), ("five", 125), ("ten", 9000))
    assert judgement.share == pytest.approx(2 / 3)


def test_weights_and_biases_are_counted_apart():
    assert judge(WEIGHTS, ("weights", 135), ("biases", 5), ("mlp", 39250)).status is Status.PASS


@pytest.mark.parametrize(
    ("weights", "biases", "mlp", "named"),
    [
        (140, 5, 39250, "the biases are counted in"),
        (45, 5, 39250, "the input channels are forgotten"),
        (27, 5, 39250, "the filters are forgotten"),
        (135, 135, 39250, "one bias for each filter"),
        (135, 5, 39200, "the biases are left out"),
    ],
)
def test_usual_mistakes_in_weights_are_named(weights, biases, mlp, named):
    judgement = judge(WEIGHTS, ("weights", weights), ("biases", biases), ("mlp", mlp))
    assert judgement.share == pytest.approx(2 / 3)
    assert named in judgement.message


def test_a_blank_handout_earns_nothing():
    given = evidence([cell(0, "grey = None")])
    blank = case(UNITS, given, alignment=Alignment(unchanged=frozenset({0})))
    assert UNITS.judge(blank).status is Status.FAIL
    assert judge(UNITS, ("grey", None), ("five", None), ("ten", None)).status is Status.FAIL


def test_an_answer_whose_cell_raised_goes_to_a_ta_with_the_rest_settled():
    error = CellError(type="NameError", message="no such thing", line=1)
    source = case_of_variables(UNITS, ("grey", 25), ("five", 125), sources=["grey = 25", "five = 125"])
    cells = (*source.evidence.cells, cell(2, "ten = seven", error=error))
    whole = case(UNITS, source.evidence.model_copy(update={"cells": cells}))
    judgement = UNITS.judge(whole)
    assert judgement.status is Status.NEEDS_TA
    assert judgement.share == pytest.approx(2 / 3)
    assert judgement.open_share == pytest.approx(1 / 3)
    assert "NameError" in judgement.message


def test_an_answer_under_another_name_goes_to_a_ta():
    written = case(UNITS, evidence([cell(0, "n_units = 25")]))
    assert UNITS.judge(written).status is Status.NEEDS_TA


def test_a_layer_is_either_a_convolution_or_linear():
    with pytest.raises(ValidationError, match="either 'convolution' or 'linear'"):
        WeightCounts(answers=[{"weights": "w"}])
    with pytest.raises(ValidationError, match="name a variable"):
        WeightCounts(answers=[{"linear": [3, 4]}])
