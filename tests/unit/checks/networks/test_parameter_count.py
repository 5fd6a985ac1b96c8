"""Parameters of a network: counted, and stated."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.networks.parameter_count import ParameterCount
from grader.evidence.plan import ModuleProbe, Target
from grader.evidence.record import CellError, CellRecord, ModuleRecord, Outcome, ProbeResult
from grader.facts.handout import fingerprint
from grader.facts.networks.parameters import arithmetic
from grader.facts.sections import Section
from grader.judging.exhibits import Pair
from grader.judging.judgement import Judgement, Status
from grader.reporting.pictures.layers import written_count
from tests import factories
from tests.factories import cell, layer, parameter, rows, shown

TARGET = Target(names=("small", "Small"))
PROBE = ModuleProbe(target=TARGET)
NET = ModuleRecord(
    found_by="name",
    name="small",
    class_name="Small",
    parameters=(
        parameter("conv.weight", 5, 3, 3, 3),
        parameter("conv.bias", 5),
        parameter("fc.weight", 1, 245),
        parameter("fc.bias", 1),
        parameter("frozen", 7, trainable=False),
    ),
    layers=(
        layer("conv", "Conv2d", "conv.weight", "conv.bias"),
        layer("pool", "MaxPool2d"),
        layer("fc", "Linear", "fc.weight", "fc.bias"),
    ),
)
SECTION = {"a": Section(title="a", heading="^Part a")}
HEADING = cell(0, "## Part a\nHow many? (Hint: 7 tensors)", kind="markdown", handout_id="h")
GIVEN = cell(
    1, "for p in net.parameters():\n    print(p.shape)", handout_id="c", printed="torch.Size([5, 3])"
)
HANDOUT = fingerprint(
    {
        "cells": [
            {"cell_type": each.kind, "source": each.source, "metadata": {"id": each.handout_id}}
            for each in (HEADING, GIVEN)
        ]
    }
)


def judge(
    *cells: CellRecord,
    found: ModuleRecord | ProbeResult | None = NET,
    outcome: Outcome = Outcome.COMPLETED,
    **fields: Any,
) -> Judgement:
    check = ParameterCount(target=TARGET, **{"expected": 386, **fields})
    probes = factories.answers({PROBE: found}) if found is not None else {}
    evidence = factories.evidence(cells, probes=probes, outcome=outcome)
    return check.judge(
        factories.case(check, evidence, sections=SECTION, section="a" if cells else None, handout=HANDOUT)
    )


def test_trainable_parameters_are_counted_by_shape_with_the_arithmetic_of_each_layer():
    judgement = judge()
    assert judgement.status is Status.PASS
    assert shown(judgement, Pair) == Pair(found=386, expected=386)
    counted = [(row["path"], row["arithmetic"]) for row in rows(judgement, "layers")]
    assert counted == [("conv", "3*3*3*5 + 5 = 140"), ("fc", "245*1 + 1 = 246")]


def test_a_parameter_outside_all_layers_has_a_row_of_its_own():
    net = NET.model_copy(update={"parameters": (*NET.parameters, parameter("scale", 4))})
    judgement = judge(found=net, expected=390)
    assert judgement.status is Status.PASS
    assert rows(judgement, "layers")[-1]["arithmetic"] == "4 = 4"


def test_another_count_fails_and_shows_both():
    judgement = judge(expected=400)
    assert judgement.status is Status.FAIL
    assert "386" in judgement.message
    assert "400" in judgement.message


def test_a_network_that_was_not_read_whole_is_not_counted():
    cut = NET.model_copy(update={"modules_cut": True})
    assert judge(found=cut).status is Status.NEEDS_TA
    assert judge(found=cut, expected=400).status is Status.NEEDS_TA


def test_one_layer_can_be_asked_for():
    assert judge(layer="conv", expected=140).status is Status.PASS
    assert judge(layer="fc", expected=140).status is Status.FAIL
    missing = judge(layer="nope", expected=140)
    assert missing.status is Status.FAIL
    assert shown(missing, Pair).found is None


@pytest.mark.parametrize(
    ("found", "outcome", "broken", "status"),
    [
        (None, Outcome.COMPLETED, False, Status.MISSING_EVIDENCE),
        (ProbeResult(status="not_found"), Outcome.COMPLETED, False, Status.FAIL),
        (ProbeResult(status="not_found"), Outcome.KERNEL_DIED, False, Status.NEEDS_TA),
        (ProbeResult(status="not_found"), Outcome.CELL_ERROR, True, Status.NEEDS_TA),
        (ProbeResult(status="no_answer", detail="dead"), Outcome.KERNEL_DIED, False, Status.NEEDS_TA),
        (ProbeResult(status="error"), Outcome.COMPLETED, False, Status.NEEDS_TA),
    ],
)
def test_a_net_that_is_not_there_is_held_against_nobody_whose_run_was_cut_short(
    found: ProbeResult | None, outcome: Outcome, broken: bool, status: Status
):
    error = CellError(type="NameError", message="x") if broken else None
    own = cell(1, "small = Small()", error=error)
    judgement = judge(HEADING, own, found=found, outcome=outcome)
    assert judgement.status is status
    assert shown(judgement, Pair).found is None


@pytest.mark.parametrize(
    "answer",
    [
        cell(2, "print(sum(p.numel() for p in small.parameters()))", printed="386\n"),
        cell(2, "print(count)", stored="small net: 386 parameters"),
        cell(2, "It has **386** parameters.", kind="markdown"),
        cell(2, "135+5+245+1 = 386", kind="markdown"),
        cell(2, "# small_net has 386 parameters"),
        cell(2, "count = 386"),
        cell(2, "print(f'small {n}')", printed="small 386."),
    ],
)
def test_the_right_number_is_found_wherever_it_is_stated(answer: CellRecord):
    assert judge(HEADING, GIVEN, answer, answer=True).status is Status.PASS


def test_a_wrong_number_is_shown_beside_the_right_one_which_is_found_in_the_net_all_the_same():
    answer = cell(2, "print(n)", printed="There are 165375 parameters in small")
    judgement = judge(HEADING, GIVEN, answer, answer=True)
    assert judgement.status is Status.FAIL
    assert "165375" in judgement.message
    assert "386" in judgement.message
    assert shown(judgement, Pair).found == 386


@pytest.mark.parametrize("source", ["I counted them all.", "The tensors are torch.Size([5, 3, 3, 3])"])
def test_where_no_number_can_be_read_a_ta_looks(source: str):
    answer = cell(2, source, kind="markdown")
    assert judge(HEADING, GIVEN, answer, answer=True).status is Status.NEEDS_TA


def test_the_handout_as_it_was_given_states_nothing():
    judgement = judge(HEADING, GIVEN, answer=True)
    assert judgement.status is Status.FAIL
    assert "Nothing was handed in" in judgement.message
    assert shown(judgement, Pair).found == 386


def test_386_inside_another_number_is_no_answer():
    answer = cell(2, "There are 13860 parameters, or v386b", kind="markdown")
    assert judge(HEADING, GIVEN, answer, answer=True).status is Status.FAIL


BIG = Target(names=("large", "Large"))
LOOPS = """\
n = 1
for p in small.parameters():
    n = n * p.numel()
print("small has", n, "parameters")
print("LARGE", sum(p.numel() for p in large.parameters()), "parameters")"""


def judge_beside_another(*cells: CellRecord, target: Target = TARGET, turned: bool = False) -> Judgement:
    """One of two networks whose counts are asked for in one section."""
    small = ParameterCount(target=TARGET, expected=386, answer=True)
    large = ParameterCount(target=BIG, expected=9705, answer=True)
    check = small if target == TARGET else large
    evidence = factories.evidence((HEADING, *cells), probes=factories.answers({PROBE: NET}))
    peers = (large, small) if turned else (small, large)
    case = factories.case(check, evidence, sections=SECTION, section="a", handout=HANDOUT, peers=peers)
    return check.judge(case)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_wrong_counts_the_code_s_order_tells_whose_each_is(turned: bool):
    shown = cell(1, LOOPS, printed="There are 165375 parameters in small\nThere are 77 parameters in small")
    small = judge_beside_another(shown, turned=turned)
    assert small.status is Status.FAIL
    assert small.message == (
        "`small` has 386 parameters; the answer says 165375, which is the sizes of all tensors multiplied;"
        " tensors add up."
    )
    assert [(place.cell, place.line) for place in small.where] == [(1, 2), (1, 3)]
    large = judge_beside_another(shown, target=BIG, turned=turned)
    assert large.message == "`large` or `Large` has 9705 parameters; the answer says 77."
    assert [(place.cell, place.line) for place in large.where] == [(1, 5)]


def test_of_two_wrong_counts_a_name_tells_whose_each_is_before_the_order_does():
    shown = cell(1, LOOPS, printed="large: 77 parameters\nsmall: 99 parameters")
    assert "the answer says 99." in judge_beside_another(shown).message
    assert "the answer says 77." in judge_beside_another(shown, target=BIG).message


def test_counts_that_nothing_tells_apart_are_all_shown():
    words = cell(1, "The networks have 77 and 99 parameters.", kind="markdown")
    judgement = judge_beside_another(words)
    assert "the answer says 77, 99." in judgement.message
    assert [place.cell for place in judgement.where] == [1]


def test_the_answer_for_another_net_is_not_held_against_this_one():
    judgement = judge_beside_another(cell(1, "large_net has 9705 parameters", kind="markdown"))
    assert judgement.status is Status.NEEDS_TA


@pytest.mark.parametrize("text", ["parameters: 3*3*3*5 + 5 + 245 + 1", "net: 3x3x3x5 + 5 + 246 weights"])
def test_a_right_sum_that_is_not_worked_out_goes_to_a_ta(text: str):
    assert judge(HEADING, GIVEN, cell(2, text, kind="markdown"), answer=True).status is Status.NEEDS_TA
    wrong = cell(2, text.replace("245", "240").replace("246", "241"), kind="markdown")
    assert judge(HEADING, GIVEN, wrong, answer=True).status is Status.FAIL


def test_a_sum_is_written_alike_in_the_finding_and_on_the_page() -> None:
    oblong = [factories.parameter("conv.weight", 5, 3, 7, 2), factories.parameter("conv.bias", 5)]
    assert arithmetic(oblong) == "7*2*3*5 + 5 = 215"
    assert written_count([each.shape for each in oblong]) == arithmetic(oblong)
