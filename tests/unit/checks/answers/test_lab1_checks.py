"""Checks that Lab 1 asks for: image_crop, printed_number, shapes, and functions called in a section."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from grader.checks.answers.image_crop import ImageCrop
from grader.checks.answers.printed_number import PrintedNumber
from grader.checks.answers.tensor_close import TensorClose
from grader.checks.code.uses_function import UsesFunction
from grader.evidence.record import CellError, ShimKind, ShimUse, WatchedValue
from grader.facts.sections import Alignment, Section
from grader.facts.values.crops import found_in
from grader.judging.exhibits import Pair, exhibit_of
from grader.judging.judgement import Status
from tests.factories import (
    case,
    case_of_variables,
    cell,
    code_cells,
    evidence,
    history,
    training_run,
    value_of,
)

IMAGE = np.random.default_rng(3).random((12, 15, 4)).astype(np.float32)
CROP = ImageCrop(name="crop", image="img", size=(5, 7), channels=3)


def cropped(crop):
    return CROP.judge(case_of_variables(CROP, ("img", IMAGE), ("crop", crop)))


def test_a_piece_of_the_image_in_the_right_size_passes_wherever_it_lies():
    assert cropped(IMAGE[4:9, 6:13, :3]).status is Status.PASS
    assert found_in(IMAGE[4:9, 6:13, :3], IMAGE) == (4, 6)


def test_size_and_channels_cost_a_half_each():
    judgement = cropped(IMAGE[4:9, 6:13])
    assert judgement.share == pytest.approx(0.5)
    assert "has 4 channels; expected 3" in judgement.message
    judgement = cropped(IMAGE[0:7, 0:5, :3])
    assert judgement.share == pytest.approx(0.5)
    assert "7 x 5 pixels (height and width are exchanged); expected 5 x 7" in judgement.message
    assert cropped(IMAGE[0:7, 0:5]).status is Status.FAIL


def test_a_size_may_be_read_either_way_where_the_rubric_says_so():
    check = ImageCrop(name="crop", image="img", size=(5, 7), channels=3, either_way=True)

    def judged(crop):
        return check.judge(case_of_variables(check, ("img", IMAGE), ("crop", crop)))

    assert judged(IMAGE[4:9, 6:13, :3]).status is judged(IMAGE[:7, :5, :3]).status is Status.PASS
    wrong = judged(IMAGE[:7, :6, :3])
    assert (wrong.status, wrong.share) == (Status.PARTIAL, 0.5)
    assert "is 7 x 6 pixels; expected 5 x 7, or 7 x 5" in wrong.message


def test_a_changed_copy_goes_to_a_ta():
    assert cropped(IMAGE[4:9, 6:13, :3] + np.float32(0.25)).status is Status.NEEDS_TA


def test_what_is_no_image_fails():
    assert cropped(5).status is Status.FAIL
    assert cropped(np.zeros((0, 7, 3))).status is not Status.PASS


def test_an_unknown_image_goes_to_a_ta():
    alone = case_of_variables(CROP, ("crop", IMAGE[:5, :7, :3]))
    assert CROP.judge(alone).status is Status.NEEDS_TA


def crop_handed_in(crop, *stored, stood_in=True, source="crop.shape"):
    """A crop of our run, then a cell for each output that the file handed in holds."""
    arrays = []
    held = [("img", IMAGE), ("crop", crop)]
    values = [
        WatchedValue(name=name, cell=place, value=value_of(thing, arrays))
        for place, (name, thing) in enumerate(held)
    ]
    made = code_cells("img = plt.imread(url)", "crop = img[-5:, :7]")
    later = [cell(place, source, stored=text) for place, text in enumerate(stored, start=2)]
    shims = (ShimUse(kind=ShimKind.IMREAD, cell=0, detail="a stand-in picture"),) if stood_in else ()
    return CROP.judge(case(CROP, evidence([*made, *later], values=values, shims=shims), arrays=arrays))


@pytest.mark.parametrize("shown", ["(5, 7, 3)", "torch.Size([5, 7, 3])", "my crop: (5,7,3)"])
def test_a_right_shape_in_the_file_handed_in_is_heard_where_a_picture_stood_in(shown):
    judgement = crop_handed_in(IMAGE[:4, :7, :3], shown)
    assert judgement.status is Status.NEEDS_TA
    assert "On our test picture: `crop` is 4 x 7 pixels" in judgement.message
    assert "The file handed in shows the shape [5, 7, 3] in cell 2." in judgement.open
    assert crop_handed_in(IMAGE[:4, :7, :3], "", shown).where[0].cell == 3


def test_a_wrong_crop_still_costs_where_the_file_does_not_contradict_our_run():
    wrong = IMAGE[:4, :7, :3]
    for shown in ("", "(4, 7, 3)", "(7, 5, 3)", "(5, 7, 30)", "(15, 7, 3)"):
        assert crop_handed_in(wrong, shown).status is Status.PARTIAL
    assert crop_handed_in(wrong, "(5, 7, 3)", source="img_torch.shape").status is Status.PARTIAL
    assert crop_handed_in(wrong, "(5, 7, 3)", stood_in=False).status is Status.PARTIAL
    assert crop_handed_in(IMAGE[:5, :7, :3], "(4, 7, 3)").status is Status.PASS


def test_a_crop_that_was_never_made_fails():
    blank = case(CROP, evidence([cell(0, "img = None")]), alignment=Alignment(unchanged=frozenset({0})))
    assert CROP.judge(blank).status is Status.FAIL


ERROR_RATE = PrintedNumber(pattern=r"Error: ([\d.]+)", below=0.036)


def printed(ours="", stored="", **more):
    return ERROR_RATE.judge(
        case(ERROR_RATE, evidence([cell(0, "train()", printed=ours, stored=stored)]), **more)
    )


def test_the_smallest_number_that_our_run_printed_counts():
    judgement = printed("Error: 0.2\nError: 0.01.\n")
    assert judgement.status is Status.PASS
    assert exhibit_of(judgement.exhibits, Pair).found == 0.01


def test_a_number_only_claimed_or_not_good_enough_goes_to_a_ta_with_both_stories():
    claimed = printed(stored="Error: 0.0")
    assert claimed.status is Status.NEEDS_TA
    assert "Our run printed no such number, the file handed in shows 0" in claimed.message
    assert printed("Error: 0.5", "Error: 0.0").status is Status.NEEDS_TA
    assert printed("Error: 0.036").status is Status.NEEDS_TA


def test_a_number_of_our_run_counts_only_where_the_file_does_not_contradict_it():
    easier_data = printed("Error: 0.01", stored="Error: 0.05")
    assert easier_data.status is Status.NEEDS_TA
    assert "Our run reached 0.01, the file handed in shows 0.05" in easier_data.message
    confirmed = printed("Error: 0.01", stored="Error: 0.02")
    assert confirmed.status is Status.PASS
    assert confirmed.message == "Your file shows 0.02, our run 0.01; both are below 0.036."
    assert printed("Error: 0.01", stored="Error: 0.05\nError: 0.02").status is Status.PASS


def test_our_copy_of_the_data_proves_nothing_that_the_file_does_not_claim():
    def judged(stored):
        given = evidence(
            [cell(0, "train()", printed="Error: 0.034", stored=stored)],
            shims=(ShimUse(kind="dataset", cell=0, detail="MNIST was read from the mounted data"),),
        )
        return ERROR_RATE.judge(case(ERROR_RATE, given))

    unclaimed = judged("")
    assert unclaimed.status is Status.NEEDS_TA
    assert unclaimed.message == (
        "Our run with our own copy of the data reached 0.034, the file handed in shows none;"
        " asked for is one below 0.036."
    )
    assert judged("Error: 0.03").status is Status.PASS


def test_an_answer_in_words_without_changed_code_goes_to_a_ta():
    def judged(words):
        cells = [cell(0, "train()", stored="Error: 0.05"), cell(1, words, kind="markdown")]
        given = Alignment(unchanged=frozenset({0}))
        return ERROR_RATE.judge(case(ERROR_RATE, evidence(cells), alignment=given)).status

    assert judged("60 units gave 0.01; the code above is as it was.") is Status.NEEDS_TA
    assert judged("  ") is Status.FAIL
    assert judged("## Part 5\n\n### Part (a)") is Status.FAIL


def test_cells_as_the_handout_gave_them_do_not_count():
    assert printed("Error: 0.0", alignment=Alignment(unchanged=frozenset({0}))).status is Status.FAIL


def test_a_number_without_a_training_run_is_not_trusted_where_one_is_asked_for():
    check = PrintedNumber(pattern=r"Error: ([\d.]+)", below=0.036, after_training=True)
    written = cell(0, "print('Error: 0.0')", printed="Error: 0.0")

    def judged(*runs):
        return check.judge(case(check, evidence([written], training=history(*runs)))).status

    assert judged() is Status.NEEDS_TA
    assert judged(training_run(0, 7)) is Status.NEEDS_TA
    assert judged(training_run(0, 0)) is Status.PASS


def test_nan_is_no_number():
    assert printed("Error: nan").status is Status.NEEDS_TA


@pytest.mark.parametrize("pattern", ["no group", "(two) (groups)", "("])
def test_a_pattern_needs_one_group(pattern):
    with pytest.raises(ValidationError):
        PrintedNumber(pattern=pattern, below=1)


TENSOR = TensorClose(tensors=[{"name": "t", "same_as": "crop", "library": "torch"}])
SHAPE = TensorClose(tensors=[{"name": "t", "shape": [5, 7, 3], "follows": "crop"}])


def compared(check, crop, tensor):
    return check.judge(case_of_variables(check, ("crop", crop), ("t", tensor)))


def test_a_tensor_must_equal_the_students_own_array():
    crop = IMAGE[:5, :7, :3]
    assert compared(TENSOR, crop, torch.from_numpy(crop.copy())).status is Status.PASS
    assert compared(TENSOR, crop, crop).status is Status.FAIL
    assert compared(TENSOR, crop, torch.zeros(5, 7, 3)).status is Status.FAIL


def test_a_shape_that_follows_from_another_variable_costs_nothing():
    assert compared(SHAPE, IMAGE[:5, :7, :3], torch.zeros(5, 7, 3)).status is Status.PASS
    assert compared(SHAPE, IMAGE[:5, :7], torch.zeros(5, 7, 4)).status is Status.PASS
    assert compared(SHAPE, IMAGE[:5, :7, :3], torch.zeros(3, 5, 7)).status is Status.FAIL
    assert compared(SHAPE, IMAGE[:5, :7, :3], "no array").status is Status.FAIL


def shape_asked_for_later(*later, printed="", printed_after=("", "")):
    """The shape of a tensor of an earlier section, asked for in one with these cells; two more follow."""
    arrays = []
    tensor = WatchedValue(name="t", cell=0, value=value_of(torch.zeros(5, 7, 3), arrays))
    made, heading = cell(0, "t = torch.zeros(5, 7, 3)", printed=printed), cell(1, "# b", kind="markdown")
    end = 2 + len(later)
    after = [cell(end + place, "t", printed=text) for place, text in enumerate(printed_after)]
    given = evidence([made, heading, *later, *after], values=(tensor,))
    places = {"b": tuple(range(1, end)), "c": (end,), "d": (end + 1,)}
    aligned = Alignment(sections=places, unchanged=frozenset({1}))
    sections = {name: Section(title=name, heading=name) for name in places}
    return SHAPE.judge(case(SHAPE, given, sections=sections, section="b", alignment=aligned, arrays=arrays))


def test_the_shape_of_an_earlier_tensor_is_no_answer_in_a_section_left_empty():
    judgement = shape_asked_for_later(cell(2, ""))
    assert judgement.status is Status.FAIL
    assert judgement.message == "Nothing was handed in for this part."
    assert [place.cell for place in judgement.where] == [1, 2]


def test_the_shape_shown_in_another_section_goes_to_a_ta():
    judgement = shape_asked_for_later(printed="torch.Size([5, 7, 3])")
    assert judgement.status is Status.NEEDS_TA
    assert "Cell 0 shows the shape" in judgement.open
    assert shape_asked_for_later(printed="[15, 7, 3] [5, 7, 30]").status is Status.FAIL
    assert shape_asked_for_later(printed_after=("(5, 7, 3)", "")).status is Status.NEEDS_TA
    assert shape_asked_for_later(printed_after=("", "(5, 7, 3)")).status is Status.FAIL


def test_a_right_shape_of_a_tensor_in_the_file_handed_in_is_heard_where_a_picture_stood_in():
    def judged(shown, *shims):
        arrays = []
        tensor = WatchedValue(name="t", cell=0, value=value_of(torch.zeros(4, 7, 3), arrays))
        cells = [cell(0, "t = torch.from_numpy(crop)"), cell(1, "t.shape", stored=shown)]
        return SHAPE.judge(case(SHAPE, evidence(cells, values=[tensor], shims=shims), arrays=arrays))

    stood_in = ShimUse(kind=ShimKind.IMREAD, cell=0, detail="a stand-in picture")
    heard = judged("torch.Size([5, 7, 3])", stood_in)
    assert heard.status is Status.NEEDS_TA
    assert "has the shape [4, 7, 3]; expected [5, 7, 3]" in heard.message
    assert judged("torch.Size([4, 7, 3])", stood_in).status is Status.FAIL
    assert judged("torch.Size([5, 7, 3])").status is Status.FAIL


def test_the_place_of_a_shape_is_the_section_that_asks_for_it():
    judgement = shape_asked_for_later(cell(2, "t.shape", printed="torch.Size([5, 7, 3])"))
    assert judgement.status is Status.PASS
    assert [place.cell for place in judgement.where] == [2]


SHOWS = UsesFunction(uses="imshow")


def shown(*cells, **more):
    return SHOWS.judge(case(SHOWS, evidence(cells), **more)).status


def test_a_function_called_in_the_section_is_seen():
    assert shown(*code_cells("plt.imshow(img)")) is Status.PASS
    assert shown(*code_cells("from matplotlib.pyplot import imshow as show\nshow(img)")) is Status.PASS


def test_a_call_that_raised_or_is_not_there_goes_to_a_ta():
    error = CellError(type="NameError", message="img", line=1)
    assert shown(cell(0, "plt.imshow(img)", error=error)) is Status.NEEDS_TA
    assert shown(*code_cells("img.show()")) is Status.NEEDS_TA


def test_a_section_left_as_it_was_fails():
    assert shown(*code_cells("plt.imshow(img)"), alignment=Alignment(unchanged=frozenset({0}))) is Status.FAIL
