"""Whether a network at the end of a notebook is the one of its part, and whether the record sees into it."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.networks.architecture import Architecture
from grader.checks.networks.output_shape import OutputShape
from grader.checks.networks.parameter_count import ParameterCount
from grader.evidence.plan import Discovery, Target
from grader.evidence.record import ForwardRecord, ModuleRecord, OperationRecord, ProbeResult, RaisedError
from grader.evidence.values import ArrayValue, MappingValue, NoneValue, OtherValue, SequenceValue, Value
from grader.facts.sections import Section
from grader.judging.check import Check
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, layer, parameter

TARGET = Target(names=("net", "Net"))
FREE = Target(discover=Discovery(input_shape=(5, 8), output_shape=(5, 3)))
SECTIONS = {"a": Section(title="a", heading="^Part a"), "b": Section(title="b", heading="^Part b")}
HEADINGS = cell(0, "# Part a", kind="markdown"), cell(2, "# Part b", kind="markdown")
CLASS = "class Net(nn.Module):\n    ...\nnet = Net()"


def tensor(*shape: int) -> ArrayValue:
    return ArrayValue(type="torch.Tensor", dtype="float32", shape=shape)


def net(output: Value | None = None, error: RaisedError | None = None, **more: Any) -> ModuleRecord:
    forward = ForwardRecord(input=tensor(5, 8), output=output, error=error)
    given = {
        "class_name": "Net",
        "parameters": (parameter("fc.weight", 4, 8), parameter("fc.bias", 4)),
        "layers": (layer("fc", "Linear", "fc.weight", "fc.bias"),),
        "operations": (called("Linear", "fc", (5, 8), (5, 4)),),
        "forwards": (forward,),
        **more,
    }
    return ModuleRecord(found_by="name", name="net", **given)


def called(name: str, path: str | None, before: Any, after: Any, **arguments: Value) -> OperationRecord:
    return OperationRecord(name=name, layer=path, input_shape=before, output_shape=after, arguments=arguments)


def checks(target: Target = TARGET) -> tuple[Check, ...]:
    wanted = [{"type": "Linear", "settings": {"in_features": 8, "out_features": 3}}]
    return (
        ParameterCount(target=target, expected=27),
        OutputShape(target=target, input=(5, 8), expected=(5, 3)),
        Architecture(target=target, input=(5, 8), layers=wanted),
    )


def judge(check: Check, found: ModuleRecord | ProbeResult, *later: str, first: str = CLASS) -> Judgement:
    code = (cell(3 + place, source) for place, source in enumerate(later))
    cells = (HEADINGS[0], cell(1, first), HEADINGS[1], *code)
    given = factories.evidence(cells, probes=factories.answers([(check.probes()[0], found)]))
    return check.judge(factories.case(check, given, sections=SECTIONS, section="a"))


@pytest.mark.parametrize("check", checks())
@pytest.mark.parametrize(
    "later",
    [
        "class Net(nn.Module):\n    ...\nnet = Net()",
        "from helper import Net",
        "net = Other(8, 3)",
        "net = nn.Sequential(nn.Linear(8, 3))",
        "net, other = make()",
        "for net in (Net(), Net()):\n    train(net)",
        "net = torch.jit.trace(net, x)",
    ],
)
def test_a_network_that_a_later_part_replaced_is_not_held_against_its_part(check: Check, later: str):
    judgement = judge(check, net(tensor(5, 4)), later)
    assert judgement.status is Status.NEEDS_TA
    assert "after this part" in judgement.open


@pytest.mark.parametrize("check", checks())
@pytest.mark.parametrize(
    "later",
    [
        "net = Net()\ntrain(net)",
        "net = Net().to(device)",
        "net = net.cuda()",
        "def train(net):\n    net = net.train()",
        "[net.eval() for net in nets]",
        "network = Other()",
        "train(net)",
    ],
)
def test_a_wrong_network_that_is_only_used_later_is_still_wrong(check: Check, later: str):
    assert judge(check, net(tensor(5, 4)), later).status is Status.FAIL


FREE = Target(discover=Discovery(input_shape=(5, 8), output_shape=(5, 3)))


@pytest.mark.parametrize("check", checks(FREE))
@pytest.mark.parametrize(
    ("later", "status"),
    [
        ("net.fc = nn.Linear(64, 10)", Status.NEEDS_TA),
        ("net = quantize_dynamic(net, {nn.Linear})", Status.NEEDS_TA),
        ("net = Net()\ntrain(net)", Status.FAIL),
        ("other.fc = nn.Linear(64, 10)", Status.FAIL),
    ],
)
def test_so_it_is_where_the_network_was_found_without_a_name(check: Check, later: str, status: Status):
    found = net(tensor(5, 4)).model_copy(update={"found_by": "discovery"})
    judgement = judge(check, found, later)
    assert judgement.status is status
    assert judgement.message.startswith("`net` ")


def test_what_the_part_itself_gives_another_meaning_is_the_students_answer():
    for check in checks():
        assert judge(check, net(tensor(5, 4)), first=f"{CLASS}\n{CLASS}").status is Status.FAIL


@pytest.mark.parametrize("build", ["{}", "{}.to(device)", "wrap({})"])
def test_a_network_that_a_later_part_builds_with_other_arguments_is_not_the_one_of_its_part(build: str):
    first = CLASS.replace("Net()", "Net(4)")
    right = net(tensor(5, 3), parameters=(parameter("w", 3, 8), parameter("b", 3)))
    again, other = build.format("Net(4)"), build.format("Net(channels=16)")
    count = checks()[0]
    assert judge(count, right, f"net = {other}", first=first).status is Status.NEEDS_TA
    assert judge(count, right, f"net = {again}", first=first).status is Status.PASS
    assert (
        judge(count, right, "net = " + again.replace("(4)", "(4, p=0.5)"), first=first).status is Status.PASS
    )
    assert judge(count, right, f"wide = {other}", first=first).status is Status.PASS
    for check in checks():
        assert judge(check, net(tensor(5, 4)), f"net = {other}", first=first).status is Status.NEEDS_TA


def test_the_scales_of_normalised_weights_are_told_apart():
    check = checks()[0]
    directions = parameter("fc.parametrizations.weight.original1", 3, 8)
    scales = parameter("fc.parametrizations.weight.original0", 3, 1)
    judgement = judge(check, net(parameters=(parameter("fc.bias", 3), scales, directions)))
    assert judgement.status is Status.NEEDS_TA
    assert judgement.message == "`net` or `Net` has 30 parameters; expected 27."
    assert judgement.open == "3 of them are scales of normalised weights; without these they are as asked."
    wrong = (parameter("fc.bias", 3), scales, parameter("fc.parametrizations.weight.original1", 3, 9))
    assert judge(check, net(parameters=wrong)).status is Status.FAIL
    old = (parameter("fc.bias", 3), parameter("fc.weight_g", 3, 1), parameter("fc.weight_v", 3, 8))
    assert judge(check, net(parameters=old)).status is Status.NEEDS_TA
    alone = (parameter("w", 3, 8), parameter("b_g", 3), parameter("c", 3))
    assert judge(check, net(parameters=alone)).status is Status.FAIL


def test_a_network_frozen_at_the_end_is_counted_with_what_is_frozen():
    check = checks()[0]
    frozen = tuple(parameter(name, *shape, trainable=False) for name, shape in (("w", (3, 8)), ("b", (3,))))
    judgement = judge(check, net(parameters=frozen))
    assert judgement.status is Status.NEEDS_TA
    assert "27 more that are frozen" in judgement.open
    assert judge(check, net(parameters=frozen[:1])).status is Status.FAIL
    freezing = "for p in net.parameters():\n    p.requires_grad = False"
    assert judge(check, net(parameters=frozen), freezing).status is Status.PASS
    assert judge(check, net(parameters=frozen[:1]), freezing).status is Status.FAIL
    both = judge(check, net(parameters=frozen), freezing, first=f"{CLASS}\n{freezing}")
    assert both.status is Status.NEEDS_TA
    trained = (parameter("w", 3, 8), parameter("b", 3))
    assert judge(check, net(parameters=trained)).status is Status.PASS


@pytest.mark.parametrize("name", ["RecursiveScriptModule", "ScriptModule", "TopLevelTracedModule"])
def test_a_compiled_network_is_not_said_to_have_no_parameters(name: str):
    bare: dict[str, Any] = {"class_name": name, "parameters": (), "layers": (), "operations": ()}
    for check in (checks()[0], checks()[2]):
        assert judge(check, net(tensor(5, 3), **bare)).status is Status.NEEDS_TA
    inside = (layer("fc", name),)
    parts: dict[str, Any] = {"parameters": (), "layers": inside, "operations": ()}
    assert judge(checks()[0], net(tensor(5, 3), **parts)).status is Status.NEEDS_TA
    assert judge(checks()[0], net(tensor(5, 3), parameters=())).status is Status.FAIL


@pytest.mark.parametrize(
    "message",
    [
        "mat1 and mat2 must have the same dtype, but got Float and Double",
        "Input type (float) and bias type (c10::Half) should be the same",
        "expected scalar type Long but found Float",
        "Expected all tensors to be on the same device",
    ],
)
def test_an_error_that_our_numbers_cause_is_not_the_networks(message: str):
    broken = net(error=RaisedError(type="RuntimeError", message=message), operations=())
    for check in checks()[1:]:
        assert judge(check, broken).status is Status.NEEDS_TA


def test_a_package_that_is_not_here_is_not_the_networks_error():
    message = "`einops` is not available in the grading sandbox"
    broken = net(error=RaisedError(type="MissingPackage", message=message), operations=())
    for check in checks()[1:]:
        assert judge(check, broken).status is Status.NEEDS_TA


def test_an_error_of_the_network_itself_is_wrong():
    message = "mat1 and mat2 shapes cannot be multiplied (5x8 and 9x3)"
    broken = net(error=RaisedError(type="RuntimeError", message=message))
    assert judge(checks()[1], broken).status is Status.FAIL
    assert judge(checks()[2], broken).status is Status.FAIL


def listed(*items: Value) -> SequenceValue:
    return SequenceValue(type="tuple", items=items, length=len(items))


@pytest.mark.parametrize(
    ("output", "status"),
    [
        (listed(tensor(5, 3), tensor(5, 16)), Status.PASS),
        (listed(listed(tensor(5, 3)), NoneValue()), Status.PASS),
        (MappingValue(type="dict", items=((NoneValue(), tensor(5, 3)),), length=1), Status.PASS),
        (listed(tensor(5, 4), tensor(5, 3)), Status.NEEDS_TA),
        (listed(tensor(5, 4), tensor(5, 5)), Status.FAIL),
        (OtherValue(type="Scores"), Status.NEEDS_TA),
        (NoneValue(), Status.FAIL),
    ],
)
def test_of_several_tensors_the_first_counts_and_another_that_fits_is_for_a_ta(output: Value, status: Status):
    assert judge(checks()[1], net(output)).status is status


def test_a_functional_call_with_weights_of_ones_own_has_their_sizes():
    by_call = net(tensor(5, 3), layers=(), operations=(called("linear", None, (5, 8), (5, 3)),))
    assert judge(checks()[2], by_call).status is Status.PASS
    other = net(tensor(5, 3), layers=(), operations=(called("linear", None, (5, 8), (5, 4)),))
    assert judge(checks()[2], other).status is Status.FAIL
    wanted = [{"type": "Conv2d", "settings": {"in_channels": 1, "out_channels": 4, "kernel_size": 3}}]
    check = Architecture(target=TARGET, input=(5, 1, 8, 8), layers=wanted)
    step = called("conv2d", None, (5, 1, 8, 8), (5, 4, 8, 8), weight=tensor(4, 1, 3, 3))
    assert judge(check, net(layers=(), operations=(step,))).status is Status.PASS
    wide = called("conv2d", None, (5, 1, 8, 8), (5, 4, 8, 8), weight=tensor(4, 1, 5, 5))
    assert judge(check, net(layers=(), operations=(wide,))).status is Status.FAIL


@pytest.mark.parametrize("name", ["matmul", "einsum", "unfold", "mm"])
def test_a_product_that_may_be_a_layer_is_for_a_person_to_see(name: str):
    by_hand = net(tensor(5, 3), layers=(), operations=(called(name, None, (5, 8), (5, 3)),))
    assert judge(checks()[2], by_hand).status is Status.NEEDS_TA
    added = net(tensor(5, 3), layers=(), operations=(called("add", None, (5, 8), (5, 3)),))
    assert judge(checks()[2], added).status is not Status.PASS


@pytest.mark.parametrize("later", ["del net", "del x, net", "net = net.state_dict()", "net = 3"])
def test_a_network_that_a_later_cell_takes_away_was_there(later: str):
    for check in checks():
        assert judge(check, ProbeResult(status="not_found"), later).status is Status.NEEDS_TA
        assert judge(check, ProbeResult(status="not_found"), "x = 1", first="net = 3").status is Status.FAIL


@pytest.mark.parametrize(
    "body",
    ["return self.fc(x), x", "return [self.a(x), self.b(x)]", "return {'scores': self.fc(x)}"],
)
def test_a_network_that_gives_several_things_is_not_said_to_be_missing(body: str):
    first = f"class Model(nn.Module):\n    def forward(self, x):\n        {body}\nmodel = Model()"
    for check in checks(FREE):
        judgement = judge(check, ProbeResult(status="not_found"), first=first)
        assert judgement.status is Status.NEEDS_TA
        assert "several things" in judgement.open


@pytest.mark.parametrize(
    "first", ["model = Net().double()", "x = x.to(torch.float64)", "torch.set_default_dtype(kind)"]
)
def test_a_network_of_another_precision_is_not_said_to_be_missing(first: str):
    assert judge(checks(FREE)[1], ProbeResult(status="not_found"), first=first).status is Status.NEEDS_TA
    assert judge(checks(FREE)[1], ProbeResult(status="not_found"), first="x = 1").status is Status.FAIL
