from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from grader.checks.convolution import Convolution
from grader.evidence.record import ProbeResult
from grader.rubric.model import Status
from tests.factories import answers, case, case_of_function, code_cells, evidence

# Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", figure 2.1.
PUBLISHED_IMAGE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
PUBLISHED_KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]

SINGLE = Convolution(
    function="conv2d",
    groups=[
        {"name": "published", "image": PUBLISHED_IMAGE, "kernel": PUBLISHED_KERNEL},
        {"name": "hidden", "image": [6, 8], "kernel": [3, 2], "count": 2, "weight": 3},
    ],
)
STACKED = Convolution(
    function="conv2d_multichannel",
    arguments=["image", "kernel", "bias", "stride", "padding"],
    groups=[
        {"name": "many channels", "image": [3, 6, 7], "kernel": [1, 3, 3, 3]},
        {"name": "many filters", "image": [2, 6, 7], "kernel": [4, 2, 3, 3], "bias": [4]},
        {"name": "padding", "image": [2, 5, 7], "kernel": [2, 2, 3, 3], "bias": [2], "padding": 1},
        {"name": "stride", "image": [2, 7, 9], "kernel": [2, 2, 3, 3], "bias": [2], "stride": 2},
    ],
)


def conv2d(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def judge(function, check=SINGLE):
    return check.judge(case_of_function(check, function, "def conv2d(image, kernel): ..."))


def test_a_right_convolution_passes():
    judgement = judge(conv2d)
    assert judgement.status is Status.PASS
    assert judgement.data["picture"]["expected"] == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    assert judgement.data["picture"]["first_wrong"] is None


def test_a_right_convolution_of_stacks_passes_in_numpy_and_torch():
    def stacked(image, kernel, bias, stride, padding):
        return F.conv2d(image[None], kernel, bias, stride, padding)[0]

    assert judge(stacked, STACKED).status is Status.PASS
    assert judge(lambda *given: stacked(*given).double().numpy(), STACKED).status is Status.PASS


def test_a_flipped_kernel_is_named_and_the_first_wrong_window_given():
    judgement = judge(lambda image, kernel: conv2d(image, kernel.flip(0, 1)))
    assert judgement.status is Status.FAIL
    assert "the kernel is flipped" in judgement.message
    picture = judgement.data["picture"]
    assert picture["group"] == "published"
    assert picture["first_wrong"]["window"] == {"top": 0, "left": 0, "height": 3, "width": 3}
    assert picture["first_wrong"]["expected"] == 12
    assert picture["difference"][0][0] == picture["got"][0][0] - 12


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda image, kernel: conv2d(image, kernel).T, "transposed axes"),
        (lambda image, kernel: conv2d(image, kernel)[:-1, :-1], "off by one"),
        (lambda image, kernel: -conv2d(image, kernel), "the sign is turned"),
        (lambda image, kernel: conv2d(image, kernel) / kernel.numel(), "averaged, not summed"),
    ],
)
def test_usual_mistakes_of_one_plane_are_named(wrong, named):
    judgement = judge(wrong)
    assert judgement.status is Status.FAIL
    assert named in judgement.message


@pytest.mark.parametrize(
    ("wrong", "named", "share"),
    [
        (lambda i, k, b, s, p: F.conv2d(i[None], k, b, 1, p)[0], "the stride is ignored", 0.75),
        (lambda i, k, b, s, p: F.conv2d(i[None], k, b, s)[0], "the padding is forgotten", 0.75),
        (lambda i, k, b, s, p: F.conv2d(i[None], k, None, s, p)[0], "the bias is forgotten", 0.25),
        (lambda i, k, b, s, p: F.conv2d(i[None, :1], k[:, :1], b, s, p)[0], "only the first channel", 0),
        (
            lambda i, k, b, s, p: F.conv2d(i[None], k / i.shape[0], b, s, p)[0],
            "the channels are averaged",
            0,
        ),
    ],
)
def test_usual_mistakes_of_stacks_are_named_and_cost_their_group(wrong, named, share):
    judgement = judge(wrong, STACKED)
    assert judgement.share == pytest.approx(share)
    assert named in judgement.message


def test_axes_of_length_one_are_noted_and_cost_nothing():
    judgement = judge(lambda image, kernel: F.conv2d(image[None, None], kernel[None, None]))
    assert judgement.status is Status.PASS
    assert "gives shape [1, 1, 3, 3] where [3, 3] was asked for" in judgement.message


def test_a_function_that_returns_nothing_earns_nothing():
    judgement = judge(lambda image, kernel: None)
    assert judgement.status is Status.FAIL
    assert judgement.data["picture"]["got"] is None


def test_nan_never_passes():
    judgement = judge(lambda image, kernel: conv2d(image, kernel) * float("nan"))
    assert judgement.status is Status.FAIL
    assert judgement.data["picture"]["got"][0][0] == "NaN"


def test_one_nan_in_a_right_output_fails():
    def with_hole(image, kernel):
        output = conv2d(image, kernel)
        output[-1, -1] = float("nan")
        return output

    judgement = judge(with_hole)
    assert judgement.status is Status.FAIL
    assert judgement.data["picture"]["first_wrong"]["row"] == 2


def test_a_function_that_changes_its_inputs_is_judged_by_the_hosts_copy():
    def destructive(image, kernel):
        output = conv2d(image, kernel)
        image.zero_()
        return output

    assert judge(destructive).status is Status.PASS


def test_answers_that_raise_name_the_input_by_shape():
    def fragile(image, kernel):
        raise IndexError("index 6 is out of bounds")

    judgement = judge(fragile)
    assert judgement.status is Status.FAIL
    assert "raised IndexError" in judgement.message


def test_data_is_plain_and_small():
    text = json.dumps(judge(lambda image, kernel: np.zeros((3, 3))).data, allow_nan=False)
    assert len(text) < 20_000


def test_a_dead_kernel_goes_to_a_ta():
    found = [(SINGLE.probes()[0], ProbeResult(status="no_answer", detail="the kernel was dead"))]
    judgement = SINGLE.judge(case(SINGLE, evidence(code_cells("x = 1"), probes=answers(found))))
    assert judgement.status is Status.NEEDS_TA


def test_a_function_without_an_image_is_refused():
    with pytest.raises(ValidationError, match="needs image and kernel"):
        Convolution(function="f", arguments=["kernel"], groups=SINGLE.groups)


def test_the_tolerance_is_that_of_the_coarsest_dtype():
    def in_float32(image, kernel):
        return conv2d(image, kernel).to(torch.float64) + 1e-5

    assert judge(in_float32).status is Status.PASS
    assert judge(lambda image, kernel: conv2d(image, kernel) + 0.05).status is Status.FAIL
