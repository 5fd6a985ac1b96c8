from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from grader.checks.functions.convolution import Convolution
from grader.evidence.record import ForwardRecord, ModuleRecord, ProbeResult
from grader.facts.case import Reference
from grader.judging.exhibits import Window, WindowBox
from grader.judging.judgement import Status
from tests.factories import (
    FUNCTIONS,
    answers,
    case,
    case_of_function,
    code_cells,
    evidence,
    parameter,
    shown,
    value_of,
)

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
    assert shown(judgement, Window).expected == ((12, 12, 17), (10, 17, 19), (9, 6, 14))
    assert shown(judgement, Window).first_wrong is None


def test_a_right_convolution_of_stacks_passes_in_numpy_and_torch():
    def stacked(image, kernel, bias, stride, padding):
        return F.conv2d(image[None], kernel, bias, stride, padding)[0]

    assert judge(stacked, STACKED).status is Status.PASS
    assert judge(lambda *given: stacked(*given).double().numpy(), STACKED).status is Status.PASS


def test_a_flipped_kernel_is_named_and_the_first_wrong_window_given():
    judgement = judge(lambda image, kernel: conv2d(image, kernel.flip(0, 1)))
    assert judgement.status is Status.FAIL
    assert "the kernel is flipped" in judgement.message
    drawn = shown(judgement, Window)
    assert (drawn.group, drawn.call) == ("published", "conv2d(5x5 array, 3x3 array)")
    assert drawn.first_wrong.window == WindowBox(top=0, left=0, height=3, width=3)
    assert drawn.first_wrong.expected == 12
    assert drawn.difference[0][0] == drawn.got[0][0] - 12


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
    assert shown(judgement, Window).got is None


def test_nan_never_passes():
    judgement = judge(lambda image, kernel: conv2d(image, kernel) * float("nan"))
    assert judgement.status is Status.FAIL
    assert math.isnan(shown(judgement, Window).got[0][0])


def test_one_nan_in_a_right_output_fails():
    def with_hole(image, kernel):
        output = conv2d(image, kernel)
        output[-1, -1] = float("nan")
        return output

    judgement = judge(with_hole)
    assert judgement.status is Status.FAIL
    assert shown(judgement, Window).first_wrong.row == 2


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


@pytest.mark.parametrize("filling", [0.0, float("nan"), float("inf")])
def test_exhibits_are_small_and_come_back_as_they_were_written(filling):
    for exhibit in judge(lambda image, kernel: np.full((3, 3), filling)).exhibits:
        text = exhibit.model_dump_json()
        assert len(text) < 20_000
        json.loads(text, parse_constant=pytest.fail)
        assert type(exhibit).model_validate_json(text).model_dump_json() == text


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


LAYER = Convolution(
    layer="MyConv2d(2, 4, 3, stride=2)",
    groups=[
        {"name": "one image", "image": [1, 2, 7, 10], "stride": 2},
        {"name": "a batch", "image": [3, 2, 8, 9], "stride": 2, "count": 2},
    ],
)


def judge_layer(module, check=LAYER):
    arrays = []
    drawing = torch.Generator().manual_seed(3)
    probe = check.probes()[0]
    parameters = tuple(
        parameter(name, *tensor.shape).model_copy(update={"array": value_of(tensor, arrays).array})
        for name, tensor in module.named_parameters()
    )
    forwards = []
    for wanted in probe.inputs:
        image = torch.randn(wanted.shape, generator=drawing)
        given = value_of(image, arrays)
        forwards.append(ForwardRecord(input=given, output=value_of(module(image), arrays)))
    record = ModuleRecord(
        found_by="expression",
        name=check.layer,
        class_name="MyConv2d",
        cell=0,
        parameters=parameters,
        forwards=tuple(forwards),
    )
    given = evidence(code_cells("class MyConv2d: ..."), probes=answers({probe: record}))
    return check.judge(case(check, given, arrays=arrays, reference=Reference(functions=FUNCTIONS)))


class Layer(torch.nn.Module):
    """A convolution layer of a student's, right or with a mistake in `convolve`."""

    def __init__(self, convolve=F.conv2d, bias=True):
        super().__init__()
        drawing = torch.Generator().manual_seed(4)
        self.filters = torch.nn.Parameter(torch.randn(4, 2, 3, 3, generator=drawing))
        self.shift = torch.nn.Parameter(torch.randn(4, generator=drawing)) if bias else None
        self.convolve = convolve

    def forward(self, images):
        return self.convolve(images, self.filters, self.shift, stride=2)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_held_to_its_own_weights(bias):
    judgement = judge_layer(Layer(bias=bias))
    assert judgement.status is Status.PASS


@pytest.mark.parametrize(
    ("convolve", "named"),
    [
        (lambda images, kernel, bias, stride: F.conv2d(images, kernel.flip(2, 3), bias, stride), "flipped"),
        (lambda images, kernel, bias, stride: F.conv2d(images, kernel, bias), "the stride is ignored"),
        (
            lambda images, kernel, bias, stride: F.conv2d(images, kernel, None, stride),
            "the bias is forgotten",
        ),
    ],
)
def test_the_mistake_of_a_layer_is_named(convolve, named):
    judgement = judge_layer(Layer(convolve))
    assert judgement.status is Status.FAIL
    assert named in judgement.message
    assert judgement.where[0].cell == 0


@pytest.mark.parametrize(
    ("filters", "weight"), [(slice(None), 1.0), (slice(1), float("nan")), (slice(1), 1e30)]
)
def test_a_layer_whose_weights_are_equal_or_were_never_set_goes_to_a_ta(filters, weight):
    layer = Layer()
    layer.filters.data[filters] = weight
    assert judge_layer(layer).status is Status.NEEDS_TA


def test_a_layer_that_lays_its_weights_out_in_another_way_goes_to_a_ta():
    flat = Layer(lambda images, kernel, bias, stride: F.conv2d(images, kernel.view(4, 2, 3, 3), bias, stride))
    flat.filters = torch.nn.Parameter(flat.filters.detach().reshape(4, 18))
    assert judge_layer(flat).status is Status.NEEDS_TA


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups": [{"name": "a", "image": [6, 7], "kernel": [3, 3]}]},
        {
            "function": "conv2d",
            "layer": "Layer()",
            "groups": [{"name": "a", "image": [6, 7], "kernel": [3, 3]}],
        },
        {"function": "conv2d", "groups": [{"name": "a", "image": [6, 7]}]},
        {"layer": "Layer()", "groups": [{"name": "a", "image": [1, 2, 6, 7], "kernel": [4, 2, 3, 3]}]},
    ],
)
def test_a_rubric_asks_for_a_function_with_kernels_or_a_layer_without(wrong):
    with pytest.raises(ValidationError):
        Convolution(**wrong)
