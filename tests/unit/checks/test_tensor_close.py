from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from grader.checks.tensor_close import TensorClose
from grader.evidence.record import CellError, WatchedValue
from grader.rubric.case import Reference
from grader.rubric.model import Section, Status
from reference import FUNCTIONS
from tests.factories import case, case_of_variables, cell, evidence, value_of

SOBEL = TensorClose(
    tensors=[
        {"name": "across", "reference": "sobel_vertical", "either_sign": True},
        {"name": "down", "reference": "sobel_horizontal", "either_sign": True},
    ]
)
OUTPUT = TensorClose(tensors=[{"name": "output", "expect": [4.0, 8.0, -3.0]}])
BRIGHT = TensorClose(
    tensors=[{"name": "img_add", "reference": "brightened", "of": ["img"], "unclipped_share": 0.5}]
)
MAXIMUM = TensorClose(
    tensors=[
        {
            "name": "largest",
            "reference": "channel_maximum",
            "of": ["img"],
            "printed": True,
            "library": "torch",
        }
    ]
)
IMAGE = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 4, 3)
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


def judge(check, *held, **more):
    return check.judge(case_of_variables(check, *held, **more))


def test_either_sign_of_a_kernel_is_right():
    down = torch.tensor(KERNEL).T
    assert judge(SOBEL, ("across", KERNEL), ("down", -down)).status is Status.PASS


def test_exchanged_kernels_are_named():
    judgement = judge(SOBEL, ("across", np.array(KERNEL).T), ("down", KERNEL))
    assert judgement.status is Status.FAIL
    assert "these are the numbers of `down`" in judgement.message


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_any_kind_of_sequence_counts_by_value(kind):
    assert judge(OUTPUT, ("output", kind([4.0, 8.0, -3.0]))).status is Status.PASS


def test_wrong_numbers_are_shown():
    judgement = judge(OUTPUT, ("output", np.array([4.0, 8.0, 3.0])))
    assert judgement.status is Status.FAIL
    assert "expected [4.0, 8.0, -3.0], got [4.0, 8.0, 3.0]" in judgement.message


def test_a_column_is_not_a_vector():
    judgement = judge(OUTPUT, ("output", np.array([[4.0], [8.0], [-3.0]])))
    assert judgement.status is Status.FAIL


def test_nan_never_passes():
    assert judge(OUTPUT, ("output", np.array([4.0, 8.0, np.nan]))).status is Status.FAIL


def test_the_reference_is_given_the_students_own_variable():
    right = np.clip(IMAGE + np.float32(0.25), 0, 1)
    assert judge(BRIGHT, ("img", IMAGE), ("img_add", right)).status is Status.PASS


def test_a_clip_thrown_away_is_named_and_keeps_a_share():
    judgement = judge(BRIGHT, ("img", IMAGE), ("img_add", IMAGE + np.float32(0.25)))
    assert judgement.status is Status.PARTIAL
    assert judgement.share == pytest.approx(0.5)
    assert "clip returns a new array" in judgement.message


def test_an_input_that_is_not_known_goes_to_a_ta():
    judgement = judge(BRIGHT, ("img_add", IMAGE))
    assert judgement.status is Status.NEEDS_TA
    assert "`img` is not known" in judgement.message


def test_printed_numbers_count_where_the_rubric_says_so():
    source = case_of_variables(MAXIMUM, ("img", IMAGE))
    shown = [cell(0, "img = ..."), cell(1, "img.max()", printed="tensor([0.9130, 0.9565, 1.0000])")]
    whole = case(
        MAXIMUM,
        source.evidence.model_copy(update={"cells": tuple(shown)}),
        arrays=source.bundle.arrays,
        reference=source.reference,
    )
    assert MAXIMUM.judge(whole).status is Status.PASS
    silent = whole.evidence.model_copy(update={"cells": (shown[0], cell(1, "img.max()"))})
    other = case(MAXIMUM, silent, arrays=source.bundle.arrays, reference=source.reference)
    assert MAXIMUM.judge(other).status is Status.NEEDS_TA


def test_the_library_asked_for_is_required():
    numbers = IMAGE.max(axis=(0, 1))
    assert judge(MAXIMUM, ("img", IMAGE), ("largest", torch.tensor(numbers))).status is Status.PASS
    judgement = judge(MAXIMUM, ("img", IMAGE), ("largest", numbers))
    assert judgement.status is Status.FAIL
    assert "is of numpy and not of torch" in judgement.message


def test_the_value_at_the_end_of_the_section_counts():
    arrays = []
    values = [
        WatchedValue(name="output", cell=place, value=value_of(thing, arrays))
        for place, thing in [(1, None), (2, np.array([4.0, 8.0, -3.0])), (4, "used again")]
    ]
    cells = [
        cell(0, "# Part b", kind="markdown"),
        cell(1, "output = None"),
        cell(2, "output = matrix @ vector"),
        cell(3, "# Part c", kind="markdown"),
        cell(4, "output = 'used again'"),
    ]
    sections = {"b": Section(title="b", heading="Part b"), "c": Section(title="c", heading="Part c")}
    given = evidence(cells, values=tuple(values))
    assert (
        OUTPUT.judge(case(OUTPUT, given, sections=sections, section="b", arrays=arrays)).status is Status.PASS
    )
    assert (
        OUTPUT.judge(case(OUTPUT, given, sections=sections, section="c", arrays=arrays)).status is Status.FAIL
    )


def brightened_in_place(before, after, img_add):
    arrays = []
    changes = [("img", 0, before), ("img", 2, after), ("img_add", 2, img_add)]
    values = tuple(
        WatchedValue(name=name, cell=place, value=value_of(thing, arrays)) for name, place, thing in changes
    )
    cells = [cell(0, "img = read()"), cell(1, "# Part c", kind="markdown"), cell(2, "img_add = img")]
    sections = {"c": Section(title="c", heading="Part c")}
    given = evidence(cells, values=values)
    reference = Reference(functions=FUNCTIONS)
    return BRIGHT.judge(
        case(BRIGHT, given, sections=sections, section="c", arrays=arrays, reference=reference)
    )


def test_an_input_that_the_section_changed_in_place_counts_with_its_value_before():
    changed = IMAGE + np.float32(0.25)
    right = np.clip(changed, 0, 1)
    assert brightened_in_place(IMAGE, changed, right).status is Status.PASS
    assert brightened_in_place(None, IMAGE, right).status is Status.PASS
    assert brightened_in_place(IMAGE, changed, np.clip(changed + 0.5, 0, 1)).status is Status.FAIL


SEVERAL = TensorClose(
    tensors=[{"name": ["maximum", "largest"], "expect": [0.5, 1.0], "printed": True, "library": "torch"}]
)


def test_of_several_names_one_that_is_right_counts():
    between, right = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 1.0])
    assert judge(SEVERAL, ("maximum", between), ("largest", right)).status is Status.PASS
    assert judge(SEVERAL, ("maximum", between), ("largest", between)).status is Status.FAIL
    assert judge(SEVERAL, ("maximum", "most"), ("largest", right)).status is Status.PASS


def test_right_numbers_that_are_printed_count_beside_a_variable_with_others():
    def judged(shown, held):
        source = case_of_variables(SEVERAL, ("maximum", held))
        cells = (cell(0, "maximum = x.max(0)\nprint(maximum.max(0))", printed=shown),)
        given = source.evidence.model_copy(update={"cells": cells})
        return SEVERAL.judge(case(SEVERAL, given, arrays=source.bundle.arrays)).status

    assert judged("tensor([0.5000, 1.0000])", torch.tensor([0.0, 1.0])) is Status.PASS
    assert judged("tensor([0.5000, 2.0000])", torch.tensor([0.0, 1.0])) is Status.FAIL
    assert judged("[0.5 1. ]", np.array([0.5, 1.0])) is Status.FAIL


def test_a_variable_still_none_is_no_answer():
    judgement = judge(OUTPUT, ("output", None), sources=["output = None"])
    assert judgement.status is Status.FAIL
    assert "still None" in judgement.message


def test_a_cell_that_raised_goes_to_a_ta():
    error = CellError(type="URLError", message="no network", line=1)
    given = evidence([cell(0, "output = load()", error=error)])
    judgement = OUTPUT.judge(case(OUTPUT, given))
    assert judgement.status is Status.NEEDS_TA
    assert "URLError" in judgement.message


def test_an_answer_comes_from_one_place():
    with pytest.raises(ValidationError, match="one of 'expect', 'reference'"):
        TensorClose(tensors=[{"name": "x"}])
