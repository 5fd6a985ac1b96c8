"""Layers in order, by probe, by training record, and against the reference."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from torch import nn

from grader.checks.networks.architecture import Architecture
from grader.collector import networks
from grader.evidence.plan import ModuleProbe, NormalInput, Target
from grader.evidence.record import ModuleRecord, OperationRecord, ProbeResult
from grader.evidence.training import LayerList
from grader.evidence.values import IntValue, SequenceValue
from grader.facts.case import Reference
from grader.facts.definitions import lines_of_layers
from grader.facts.handout import fingerprint
from grader.facts.networks.steps import same_setting, steps_of_list
from grader.facts.sections import Section
from grader.judging.judgement import Judgement, Status
from reference.architectures import SMALL_NET
from tests import factories
from tests.factories import cell, history, layer, layer_list, model, training_run

TARGET = Target(names=("net",))
PROBE = ModuleProbe(target=TARGET, inputs=(NormalInput(shape=(1, 3, 32, 32)),))
LAYERS = [
    {"type": "Conv2d", "settings": {"in_channels": 3, "out_channels": 5, "kernel_size": 3}},
    {"type": "ReLU"},
    {"type": "MaxPool2d", "settings": {"kernel_size": 2}},
    {"type": "MaxPool2d", "settings": {"kernel_size": 2}},
    {"type": "Linear", "settings": {"in_features": 245, "out_features": 1}},
]


def number(value: int) -> IntValue:
    return IntValue(value=value)


def pair(value: int) -> SequenceValue:
    return SequenceValue(type="tuple", items=(number(value), number(value)), length=2)


def operation(name: str, path: str | None = None, **arguments: Any) -> OperationRecord:
    return OperationRecord(name=name, layer=path, arguments=arguments)


CONV = operation(
    "Conv2d", "conv", in_channels=number(3), out_channels=number(5), kernel_size=pair(3),
    stride=pair(1), padding=pair(0),
)  # fmt: skip
POOL = operation("MaxPool2d", "pool", kernel_size=number(2))
FC = operation("Linear", "fc", in_features=number(245), out_features=number(1))
OPERATIONS = (
    CONV,
    operation("relu"),
    POOL,
    operation("max_pool2d", kernel_size=number(2)),
    operation("view"),
    FC,
)


def net(*operations: OperationRecord, **more: Any) -> ModuleRecord:
    layers = (layer("conv", "Conv2d"), layer("pool", "MaxPool2d"), layer("fc", "Linear"))
    given = {"layers": layers, "operations": operations, **more}
    return ModuleRecord(found_by="name", name="net", class_name="Net", **given)


def judge(record: ModuleRecord | ProbeResult, **fields: Any) -> Judgement:
    given = {"target": TARGET, "input": (1, 3, 32, 32), "layers": LAYERS, **fields}
    check = Architecture(**given)
    evidence = factories.evidence(probes=factories.answers({PROBE: record}))
    reference = Reference(architectures={"small_net": SMALL_NET})
    return check.judge(factories.case(check, evidence, reference=reference))


def test_layers_and_functional_calls_are_compared_in_order_whatever_their_names():
    assert judge(net(*OPERATIONS)).status is Status.PASS


def test_the_course_s_own_network_can_be_the_expectation():
    assert judge(net(*OPERATIONS), layers=(), reference="small_net").status is Status.PASS


@pytest.mark.parametrize(
    "operations",
    [
        OPERATIONS[:-1],
        (*OPERATIONS, FC),
        (CONV, POOL, operation("relu"), *OPERATIONS[3:]),
        (CONV.model_copy(update={"arguments": {**CONV.arguments, "kernel_size": pair(5)}}), *OPERATIONS[1:]),
        tuple(each for each in OPERATIONS if each.name != "relu"),
    ],
)
def test_a_layer_missing_added_moved_or_changed_is_shown_beside_what_was_expected(
    operations: tuple[OperationRecord, ...],
):
    judgement = judge(net(*operations))
    assert judgement.status is Status.FAIL
    assert "Conv2d(3, 5, 3), ReLU" in judgement.message.split("expected", 1)[1]


def test_a_layer_that_the_expectation_does_not_speak_of_and_that_learns_nothing_is_let_be():
    extra = (*OPERATIONS[:-1], operation("dropout"), FC)
    assert judge(net(*extra)).status is Status.PASS


def test_calls_inside_a_students_own_layer_count_but_the_layers_own_type_does_not_hide_them():
    inside = (*OPERATIONS[:1], operation("relu", "act"), *OPERATIONS[2:])
    assert judge(net(*inside)).status is Status.PASS


def test_a_net_that_is_not_there_fails():
    assert judge(ProbeResult(status="not_found")).status is Status.FAIL


SECTIONS = {"f": Section(title="f", heading="^Part f")}
WANTED = [{"type": "Linear", "settings": {"in_features": 3072}}, {"type": "Linear"}]
FULLY = """\
l1: Linear(bias=True, in_features=3072, out_features=30)
l2: Linear(bias=True, in_features=30, out_features=1)"""


def judge_trained(
    *texts: str | LayerList, source: str = "train(net)", untouched: bool = False, **fields: Any
) -> Judgement:
    cells = (cell(0, "# Part f", kind="markdown"), cell(1, source))
    runs = [training_run(place, 1, model=model(layers=place)) for place in range(len(texts))]
    lists = tuple(text if isinstance(text, LayerList) else layer_list(text) for text in texts)
    check = Architecture(**{"trained_in": "f", "layers": WANTED, **fields})
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in cells]})
    evidence = factories.evidence(cells, training=history(*runs, layer_lists=lists))
    handout = given if untouched else None
    return check.judge(factories.case(check, evidence, sections=SECTIONS, section="f", handout=handout))


def test_the_network_of_a_training_run_is_read_from_its_record():
    assert judge_trained(FULLY).status is Status.PASS
    assert judge_trained(FULLY + "\nact: ReLU(inplace=False)").status is Status.PASS
    assert judge_trained(FULLY.replace("3072", "1024")).status is Status.FAIL
    assert judge_trained("c: Conv2d(in_channels=3)", FULLY).status is Status.PASS


LEFT_OVER = "old: Linear(bias=True, in_features=245, out_features=32)"
FIRST, SECOND = FULLY.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        f"c: Conv2d(in_channels=3)\n{FULLY}",
        f"{FULLY}\nbn: BatchNorm1d(num_features=30)",
        f"{LEFT_OVER}\n{FULLY}",
        f"{SECOND}\n{FIRST}",
    ],
)
def test_layers_that_may_be_registered_and_never_used_or_used_in_another_order_go_to_a_ta(text: str):
    judgement = judge_trained(text)
    assert judgement.status is Status.NEEDS_TA
    assert "not what is used" in judgement.open
    assert judge_trained(text, FULLY).status is Status.PASS
    assert judge_trained(text, FULLY.replace("3072", "1024")).status is Status.NEEDS_TA


def test_a_layer_more_that_fits_between_the_others_is_one_too_many():
    middle = "l: Linear(bias=True, in_features=30, out_features=30)"
    assert judge_trained(f"{FIRST}\n{middle}\n{SECOND}").status is Status.FAIL


MIDDLE = "l: Linear(bias=True, in_features=30, out_features=30)"
THREE = f"{FIRST}\n{MIDDLE}\n{SECOND}"
BEGINS = {"layers": WANTED[:1], "more": True}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (FIRST, Status.PASS),
        (FULLY, Status.PASS),
        (THREE, Status.PASS),
        (FULLY.replace("3072", "1024"), Status.FAIL),
        (f"c: Conv2d(in_channels=3)\n{SECOND}", Status.FAIL),
        (f"c: Conv2d(in_channels=3)\n{FULLY}", Status.NEEDS_TA),
        (f"{SECOND}\n{FIRST}", Status.NEEDS_TA),
    ],
)
def test_further_layers_of_the_same_kind_are_as_good_where_their_number_is_another_question(
    text: str, status: Status
):
    assert judge_trained(text, **BEGINS).status is status


def test_a_wrong_number_of_layers_is_told_in_words_with_the_lines_that_build_them():
    source = """\
class Net(nn.Module):
    def __init__(self):
        self.l1 = nn.Linear(3072, 30)
        self.l = nn.Linear(30, 30)
        self.l2 = Linear(30, 1)
        self.drop = nn.Dropout()
train(Net())"""
    judgement = judge_trained(THREE, source=source)
    assert judgement.status is Status.FAIL
    assert judgement.message == (
        "`net` (cell 1) has three layers: Linear(3072, 30), Linear(30, 30), Linear(30, 1); expected two:"
        " Linear(3072, ...), Linear(...)."
    )
    assert judgement.advice == (
        "Yours has three fully connected layers, two were asked for: one hidden layer, then the output."
    )
    assert [(place.cell, place.line) for place in judgement.where] == [(1, 3), (1, 4), (1, 5), (1, None)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FULLY.replace("3072", "1024"), "Layer 1 is Linear(1024, 30); it was to be Linear(3072, ...)."),
        (FIRST, "Yours has one fully connected layer, two were asked for"),
        (
            "c: Conv2d(in_channels=3)\nl: Linear(in_features=250)",
            "It has convolutional layers, such as Conv2d(3)",
        ),
        ("c: Conv2d(in_channels=3)\nl: Linear(in_features=250)", "without them and train that one."),
    ],
)
def test_advice_comes_from_what_was_found(text: str, says: str):
    assert says in judge_trained(text).advice


def test_of_several_wrong_networks_the_nearest_is_told_of():
    far = "c: Conv2d(in_channels=3)"
    for texts in ((THREE, far), (far, THREE)):
        assert "has three layers" in judge_trained(*texts).message


POOLED = [WANTED[0], {"type": "AvgPool2d"}, {"type": "Sigmoid"}, WANTED[1]]


@pytest.mark.parametrize(
    ("between", "status"),
    [
        ("p: AvgPool2d(kernel_size=2)\ns: Sigmoid()", Status.PASS),
        ("", Status.PASS),
        ("d: Dropout(p=0.5)", Status.PASS),
        ("p: MaxPool2d(kernel_size=2)\ns: Sigmoid()", Status.NEEDS_TA),
        ("p: AvgPool2d(kernel_size=2)\nr: ReLU()", Status.NEEDS_TA),
        ("p: AvgPool2d(kernel_size=2)\nm: MaxPool2d(kernel_size=2)", Status.PASS),
    ],
)
def test_another_pooling_registered_in_place_of_the_one_asked_for_is_no_pass(between: str, status: Status):
    text = "\n".join(filter(None, (FIRST, between, SECOND)))
    judgement = judge_trained(text, layers=POOLED)
    assert judgement.status is status
    if status is Status.NEEDS_TA:
        assert "expected AvgPool2d" in judgement.message or "expected Sigmoid" in judgement.message


CLASS = """\
class Net(nn.Module):
    def forward(self, x):
        return self.l2({})
train(Net())"""


@pytest.mark.parametrize(
    ("calls", "status"),
    [
        ("F.avg_pool2d(torch.sigmoid(self.l1(x)), 2)", Status.PASS),
        ("F.max_pool2d(torch.sigmoid(self.l1(x)), 2)", Status.NEEDS_TA),
        ("F.avg_pool2d(F.relu(self.l1(x)), 2)", Status.NEEDS_TA),
        ("F.avg_pool2d(F.max_pool2d(self.l1(x), 2), 2)", Status.PASS),
    ],
)
def test_another_pooling_called_in_place_of_the_one_asked_for_is_no_pass(calls: str, status: Status):
    assert judge_trained(FULLY, source=CLASS.format(calls), layers=POOLED).status is status


def test_the_size_of_a_layer_costs_once_where_another_criterion_asks_for_it():
    gray = FULLY.replace("3072", "1024")
    assert judge_trained(gray, any_size=True).status is Status.PASS
    for text in (FIRST, THREE, LEFT_OVER):
        assert judge_trained(text, any_size=True).status is Status.FAIL
    assert judge_trained(gray).status is Status.FAIL


def test_another_kind_of_network_costs_once_where_another_criterion_asks_for_the_kind():
    other = judge_trained("c: Conv2d(in_channels=3)", any_size=True)
    assert other.status is Status.NEEDS_TA
    assert "With a Conv2d it is another network" in other.open
    assert judge_trained("c: Conv2d(in_channels=3)").status is Status.FAIL


def test_a_setting_that_the_sizes_do_not_show_is_told():
    padded = [{**LAYERS[0], "settings": {**LAYERS[0]["settings"], "padding": 1}}, *LAYERS[1:]]
    judgement = judge(net(*OPERATIONS), layers=padded)
    assert judgement.status is Status.FAIL
    assert judgement.message.endswith("In layer 1 padding is (0, 0); it was to be 1.")


def test_a_class_defined_anew_after_the_training_is_none_of_its_concern():
    cells = factories.code_cells("class Net:\n    l = nn.Linear(1, 2)", "train()", "class Net:\n    pass")
    case = factories.case(Architecture(trained_in="f", layers=WANTED), factories.evidence(cells))
    assert [(place.cell, place.line) for place in lines_of_layers(case, "Net", 1)] == [(0, 2)]
    assert lines_of_layers(case, "Net", 2) == ()


def test_no_such_training_goes_to_a_ta_unless_nothing_was_handed_in():
    assert judge_trained().status is Status.NEEDS_TA
    assert judge_trained(untouched=True).status is Status.FAIL


def test_a_network_whose_layers_were_cut_is_left_to_a_ta_right_or_wrong():
    for text in (FULLY.splitlines()[0], FULLY, FULLY.replace("3072", "1024")):
        judgement = judge_trained(layer_list(text, cut=True, whole="d"))
        assert judgement.status is Status.NEEDS_TA
        assert "has more layers than were recorded" in judgement.open
    assert judge_trained(layer_list(FULLY, cut=True), FULLY).status is Status.PASS


def test_a_forward_pass_or_a_list_of_layers_that_was_cut_is_left_to_a_ta():
    assert judge(net(*OPERATIONS[:-1], operations_cut=True)).status is Status.NEEDS_TA
    assert judge(net(*OPERATIONS[:-1])).status is Status.FAIL
    listed = ModuleRecord(found_by="name", name="net", class_name="Net", layers_cut=True)
    assert judge(listed).status is Status.NEEDS_TA


def test_what_the_recorder_writes_is_what_the_check_reads():
    layers = networks.layer_list(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Linear(245, 1)))
    conv, relu, linear = steps_of_list(layers)
    assert (conv.type, conv.settings["kernel_size"], conv.settings["in_channels"]) == ("Conv2d", (3, 3), 3)
    assert (relu.type, relu.learns) == ("ReLU", False)
    assert (linear.settings["in_features"], linear.learns) == (245, True)


def test_one_number_stands_for_equal_ones_along_each_axis():
    assert same_setting((2, 2), 2)
    assert same_setting(2, (2, 2))
    assert not same_setting((2, 3), 2)
    assert not same_setting((), 2)


def test_a_rubric_asks_one_thing():
    for fields in ({}, {"trained_in": "f"}, {"target": TARGET, "layers": WANTED}):
        with pytest.raises(ValidationError, match=r"give either|needs input"):
            Architecture(**fields)
