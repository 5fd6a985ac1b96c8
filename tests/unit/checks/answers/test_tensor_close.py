from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from grader.checks.answers.tensor_close import TensorClose
from grader.evidence.record import CellError, ShimUse, WatchedValue
from grader.facts.case import Reference
from grader.facts.sections import Section
from grader.judging.judgement import Status
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
    assert "`img_add` goes above 1: the numbers are right but not kept within the range." in judgement.message


@pytest.mark.parametrize(
    ("line", "thrown_away"),
    [
        ("np.clip(img_add, 0, 1)", True),
        ("img_add.clip(0, 1)", True),
        ("x = np.clip(img_add, 0, 1)", False),
        ("np.clip(img_add, 0, 1, out=other)", False),
        ("np.clip(img_add, 0, 1, other)", False),
    ],
)
def test_the_line_whose_clip_is_thrown_away_is_shown(line, thrown_away):
    sources = ["img = ...", f"img_add = img + 0.25\n{line}"]
    judgement = judge(BRIGHT, ("img", IMAGE), ("img_add", IMAGE + np.float32(0.25)), sources=sources)
    assert judgement.where[0].cell == 1
    assert judgement.where[0].line == (2 if thrown_away else None)
    cause = "the result of `clip` in line 2 of cell 1 is thrown away (clip returns a new array)"
    assert (f"`img_add` goes above 1: {cause}." in judgement.message) is thrown_away


@pytest.mark.parametrize(
    ("expect", "got"),
    [
        (5, 9),
        ([5], [-3]),
        ([2, 2, 2], [3, 4, 9]),
        ([0.0, 1.0], [-5.0, 9.0]),
        ([0.0, 0.0, 1.0, 1.0], [-1.0, -2.0, 3.0, 4.0]),
        ([0.0, 0.5, 1.0], [-5.0, 0.5, 9.0]),
        ([0.0] * 99 + [0.5, 1.0], [-1.0] * 99 + [0.5, 2.0]),
    ],
)
def test_numbers_that_any_wrong_ones_would_be_clipped_to_are_not_said_to_be_right(expect, got):
    check = TensorClose(tensors=[{"name": "t", "expect": expect, "unclipped_share": 0.5}])
    judgement = judge(check, ("t", got))
    assert judgement.status is Status.FAIL
    assert "the numbers are right" not in judgement.message


@pytest.mark.parametrize(
    "shown", ["[[0.5 1. ]]", "tensor([[0.5000, 1.0000]])", "[[0.5, 1.0]]", "array([[0.5, 1. ]])"]
)
def test_a_matrix_of_one_row_is_for_a_person_to_see(shown):
    image = np.array([[[0.5, 1.0]]], dtype=np.float32)
    source = case_of_variables(MAXIMUM, ("img", image))

    def judged(text):
        cells = (source.evidence.cells[0], cell(1, "print(m)", printed=text))
        given = source.evidence.model_copy(update={"cells": cells})
        return MAXIMUM.judge(case(MAXIMUM, given, arrays=source.bundle.arrays, reference=source.reference))

    assert judged(shown).status is Status.NEEDS_TA
    assert "2 axes where 1 was asked for" in judged(shown).message
    assert judged("[0.5 1. ]").status is Status.PASS


def test_numbers_between_speak_for_a_clip_that_is_missing():
    check = TensorClose(tensors=[{"name": "t", "expect": [0.0, 0.25, 0.5, 1.0], "unclipped_share": 0.5}])
    judgement = judge(check, ("t", [-0.5, 0.25, 0.5, 1.5]))
    assert judgement.share == pytest.approx(0.5)
    assert "not kept within the range" in judgement.message
    assert judge(check, ("t", [-0.5, 0.3, 0.5, 1.5])).status is Status.FAIL


def test_numbers_of_a_stand_in_picture_are_called_so():
    def judged(img_add):
        source = case_of_variables(BRIGHT, ("img", IMAGE), ("img_add", img_add))
        shims = (ShimUse(kind="imread", cell=0, detail="a stand-in picture"),)
        given = source.evidence.model_copy(update={"shims": shims})
        return BRIGHT.judge(
            case(BRIGHT, given, arrays=source.bundle.arrays, reference=source.reference)
        ).message

    assert "On our test picture, at [" in judged(IMAGE + np.float32(0.25))
    assert "(on our test picture)." in judged(IMAGE)


def test_an_input_that_is_not_known_goes_to_a_ta():
    judgement = judge(BRIGHT, ("img_add", IMAGE))
    assert judgement.status is Status.NEEDS_TA
    assert "`img` is not known" in judgement.open


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
    assert [place.cell for place in MAXIMUM.judge(whole).where] == [1]
    silent = whole.evidence.model_copy(update={"cells": (shown[0], cell(1, "img.max()"))})
    other = case(MAXIMUM, silent, arrays=source.bundle.arrays, reference=source.reference)
    assert MAXIMUM.judge(other).status is Status.NEEDS_TA
    assert (
        "No one-dimensional array or tensor with the right numbers was found" in MAXIMUM.judge(other).message
    )


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


ONE_ARRAY = TensorClose(
    tensors=[{"name": ["maximum", "largest"], "expect": [0.5, 1.0], "printed": True, "one_array": True}]
)


def shown_as(text, *held):
    source = case_of_variables(ONE_ARRAY, *held, sources=["maximum = ..."])
    cells = (cell(0, "maximum = ...", printed=text, stored="[0.25, 0.75]"),)
    given = source.evidence.model_copy(update={"cells": cells})
    return ONE_ARRAY.judge(case(ONE_ARRAY, given, arrays=source.bundle.arrays))


@pytest.mark.parametrize(
    "text",
    [
        "[0.5, 1.0]",
        "[tensor(0.5000), tensor(1.)]",
        "[np.float32(0.5), np.float32(1.0)]",
        "[tensor(0.5000, dtype=torch.float64), tensor(1., device='cuda:0')]",
        "[array(0.5), array(1.0)]",
    ],
)
def test_a_list_of_the_right_numbers_goes_to_a_ta_whatever_they_are(text):
    judgement = shown_as(text)
    assert judgement.status is Status.NEEDS_TA
    assert judgement.message == (
        "Cell 0 shows the right numbers, but in a list and not as one array or tensor."
    )
    assert [place.cell for place in judgement.where] == [0]


@pytest.mark.parametrize(
    "text", ["tensor([0.5000, 1.0000])", "array([0.5, 1. ])", "[0.5 1. ]", "[0.5, 1]\n[0.5 1.]"]
)
def test_one_array_of_the_right_numbers_passes(text):
    assert shown_as(text).status is Status.PASS


@pytest.mark.parametrize("text", ["[[0.5, 1.0], [2.0, 3.0]]", "[tensor(0.5), tensor(nan)]", "0.5, 1.0"])
def test_other_numbers_are_not_taken_for_the_right_ones(text):
    assert "No one-dimensional array" in shown_as(text).message


def test_a_variable_that_is_a_list_goes_to_a_ta_unless_an_array_is_shown():
    assert shown_as("", ("maximum", [0.5, 1.0])).status is Status.NEEDS_TA
    assert shown_as("", ("maximum", [0.5, 2.0])).status is Status.FAIL
    assert shown_as("", ("maximum", np.array([0.5, 1.0]))).status is Status.PASS
    assert shown_as("tensor([0.5, 1.])", ("maximum", [0.5, 1.0])).status is Status.PASS


def test_a_name_left_open_comes_before_one_that_is_wrong():
    wrong, listed = ("maximum", np.array([0.0, 1.0])), ("largest", [0.5, 1.0])
    assert judge(ONE_ARRAY, wrong, listed).status is Status.NEEDS_TA


def test_of_several_references_any_answer_is_right_and_the_first_is_shown():
    check = TensorClose(
        tensors=[{"name": "largest", "reference": ["colour_maximum", "channel_maximum"], "of": ["img"]}]
    )
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert judge(check, ("img", image), ("largest", [20, 21, 22])).status is Status.PASS
    assert judge(check, ("img", image), ("largest", [20, 21, 22, 23])).status is Status.PASS
    wrong = judge(check, ("img", image), ("largest", [0, 1, 2]))
    assert wrong.status is Status.FAIL
    assert "expected [20.0, 21.0, 22.0], got [0, 1, 2]" in wrong.message


@pytest.mark.parametrize(
    ("sources", "status"),
    [
        (["output = np.dot(matrix, vector)"], Status.PASS),
        (["output = matrix @ vector"], Status.PASS),
        (["from numpy import dot as times\noutput = times(matrix, vector)"], Status.PASS),
        (["def f(m, v):\n    return m.dot(v)\noutput = f(matrix, vector)"], Status.PASS),
        (["output = f(matrix", "f = np.dot"], Status.PASS),
        (["output = first.copy()  # np.dot"], Status.NEEDS_TA),
        (["output = np.array([4, 8, -3])"], Status.NEEDS_TA),
    ],
)
def test_right_numbers_without_the_function_asked_for_go_to_a_ta(sources, status):
    check = TensorClose(tensors=[{"name": "output", "expect": [4.0, 8.0, -3.0], "calls": ["dot", "@"]}])
    held = ("output", np.array([4.0, 8.0, -3.0]))
    judgement = judge(check, held, sources=sources)
    assert judgement.status is status
    assert ("nothing like `dot` is called here" in judgement.message) is (status is Status.NEEDS_TA)
    assert judge(check, ("output", np.zeros(3)), sources=sources).status is Status.FAIL


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


@pytest.mark.parametrize(
    ("held", "status"),
    [([True, False], Status.PASS), (torch.tensor([True, False]), Status.PASS), ([True, True], Status.FAIL)],
)
def test_truth_values_are_compared_as_such(held, status):
    mask = TensorClose(tensors=[{"name": "mask", "expect": [True, False]}])
    assert judge(mask, ("mask", held)).status is status
