"""Shapes that come out of a network."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.networks.output_shape import OutputShape
from grader.evidence.plan import Discovery, Target
from grader.evidence.record import (
    Candidate,
    CellError,
    CellRecord,
    ForwardRecord,
    ModuleRecord,
    ProbeResult,
    RaisedError,
)
from grader.evidence.training import EvaluationPass, TrainingRun
from grader.evidence.values import ArrayValue, NoneValue
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.exhibits import Pair
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import history, model, shown, training_run


def tensor(*shape: int) -> ArrayValue:
    return ArrayValue(type="torch.Tensor", dtype="float32", shape=shape)


def net(output: Any = None, error: RaisedError | None = None) -> ModuleRecord:
    forward = ForwardRecord(input=tensor(4, 3, 32, 32), output=output, error=error)
    return ModuleRecord(found_by="name", name="net", class_name="Net", cell=3, forwards=(forward,))


def judge(*records: Any, runs: tuple[TrainingRun, ...] = (), **fields: Any) -> Judgement:
    given = {"target": Target(names=("net",)), "input": (4, 3, 32, 32), "expected": (4,), **fields}
    check = OutputShape(**given)
    probes = factories.answers(dict(zip(check.probes(), records, strict=True)))
    return check.judge(factories.case(check, factories.evidence(probes=probes, training=history(*runs))))


@pytest.mark.parametrize(
    ("shape", "fields", "status"),
    [
        ((4,), {}, Status.PASS),
        ((4, 1), {}, Status.FAIL),
        ((4, 1), {"squeezed": True}, Status.PASS),
        ((4, 2), {"squeezed": True}, Status.FAIL),
        ((4, 9), {"expected": (4, -1)}, Status.PASS),
        ((9,), {"expected": (4, -1)}, Status.FAIL),
        ((), {}, Status.FAIL),
    ],
)
def test_the_shape_is_compared_axis_by_axis(shape: tuple[int, ...], fields: Any, status: Status):
    judgement = judge(net(tensor(*shape)), **fields)
    assert judgement.status is status
    assert shown(judgement, Pair) == Pair(found=list(shape), expected=list(fields.get("expected", (4,))))


def test_a_network_that_raises_or_gives_no_tensor_fails_with_its_own_words():
    raised = judge(net(error=RaisedError(type="RuntimeError", message="shapes cannot be multiplied")))
    assert raised.status is Status.FAIL
    assert "shapes cannot be multiplied" in raised.message
    assert judge(net(NoneValue())).status is Status.FAIL
    assert shown(judge(net(None)), Pair).found is None


def test_another_input_shape_is_as_good_where_the_rubric_says_so():
    missing = ProbeResult(status="not_found")
    target = Target(discover=Discovery(input_shape=(4, 3, 32, 32), output_shape=(4,)))
    fields = {"target": target, "other_inputs": ((4, 3072),)}
    assert judge(missing, net(tensor(4)), **fields).status is Status.PASS
    assert judge(missing, missing, **fields).status is Status.FAIL


def test_discovery_looks_for_a_network_that_takes_the_shape_that_is_sent():
    target = Target(discover=Discovery(input_shape=(1, 1), output_shape=(4,)))
    check = OutputShape(target=target, input=(2, 6), expected=(4,), other_inputs=((2, 3, 2),))
    assert [probe.target.discover.input_shape for probe in check.probes()] == [(2, 6), (2, 3, 2)]


FREE = Target(discover=Discovery(input_shape=(4, 3, 32, 32), output_shape=(4,)))
NAMED = Candidate(name="net")
TRAINED = training_run(0, 1, model=model(class_name="Net"))
OTHER = training_run(1, 2, model=model(class_name="Other"))


@pytest.mark.parametrize(
    ("seen", "runs", "says"),
    [
        ({"candidates": (Candidate(name="Net", not_built="TypeError"),)}, (), "`Net` may be one"),
        ({"candidates_cut": True}, (), "not all networks in it were looked at"),
        ({}, (TRAINED,), "networks were trained"),
    ],
)
def test_a_network_without_a_name_is_not_missing_where_it_may_be_out_of_sight(
    seen: Any, runs: tuple[TrainingRun, ...], says: str
):
    missing = ProbeResult(status="not_found", detail="nothing fits", **seen)
    judgement = judge(missing, target=FREE, runs=runs)
    assert judgement.status is Status.NEEDS_TA
    assert says in judgement.open
    assert judge(missing, runs=runs).status is Status.FAIL


def test_a_network_that_nothing_speaks_for_is_missing():
    judgement = judge(ProbeResult(status="not_found", detail="nothing fits"), target=FREE)
    assert judgement.status is Status.FAIL
    assert "There is no network for inputs of shape [4, 3, 32, 32]" in judgement.message


@pytest.mark.parametrize(
    ("seen", "runs", "status"),
    [
        ({}, (), Status.FAIL),
        ({}, (TRAINED, OTHER), Status.FAIL),
        ({}, (OTHER,), Status.NEEDS_TA),
        ({"candidates": (Candidate(name="Wide", not_built="TypeError"), NAMED)}, (TRAINED,), Status.NEEDS_TA),
        ({"candidates": (NAMED, NAMED)}, (TRAINED,), Status.FAIL),
        ({"candidates_cut": True}, (TRAINED,), Status.NEEDS_TA),
    ],
)
def test_the_shape_of_a_network_found_without_a_name_counts_where_no_other_may_be_meant(
    seen: Any, runs: tuple[TrainingRun, ...], status: Status
):
    record = net(tensor(4, 10)).model_copy(update={"found_by": "discovery"})
    found = ProbeResult(status="ok", record=record, **seen)
    judgement = judge(found, target=FREE, runs=runs)
    assert judgement.status is status
    assert "`net` gives [4, 10] for [4, 3, 32, 32]; expected [4]" in judgement.message


def test_the_network_that_has_the_shape_is_named():
    assert judge(net(tensor(4))).message == "`net` gives [4] for [4, 3, 32, 32], as expected."
    found = net(tensor(4)).model_copy(update={"found_by": "discovery", "cell": 28})
    judgement = judge(found, target=FREE)
    assert judgement.message == "`net` (Net, cell 28) gives [4] for [4, 3, 32, 32], as expected."
    assert [place.cell for place in judgement.where] == [28]


HEADING = factories.cell(0, "# Part b", kind="markdown")
SNIPPET = "prob = F.softmax(model(features))"
GIVEN = fingerprint(
    {
        "cells": [
            {"cell_type": "markdown", "source": "# Part b", "metadata": {}},
            {"cell_type": "code", "source": SNIPPET, "metadata": {}},
        ]
    }
)
BROKEN = factories.cell(1, SNIPPET, error=CellError(type="NameError", message="model"))


def missing(*cells: CellRecord, looks: tuple[EvaluationPass, ...] = (), target: Target = FREE) -> Judgement:
    check = OutputShape(target=target, input=(4, 3, 32, 32), expected=(4,))
    given = ProbeResult(status="not_found", detail="no network accepts 4 x 3 x 32 x 32")
    evidence = factories.evidence(
        (HEADING, BROKEN, *cells),
        probes=factories.answers({check.probes()[0]: given}),
        training=history(evaluations=looks),
    )
    sections = {"b": Section(title="b", heading="^Part b")}
    return check.judge(factories.case(check, evidence, sections=sections, section="b", handout=GIVEN))


def test_a_snippet_of_the_handout_that_fails_excuses_no_network_that_is_missing():
    own = factories.cell(2, "class Flat(nn.Module): ...")
    assert missing(own).status is Status.FAIL
    assert missing(own, factories.cell(3, "Flat(", error=CellError(type="E"))).status is Status.NEEDS_TA
    assert missing(own, target=Target(names=("net",))).status is Status.NEEDS_TA


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("class Flat(nn.Module): ...", Status.NEEDS_TA),
        ("flat = nn.Sequential(nn.Linear(4, 2))", Status.NEEDS_TA),
        ("class Flat(nn.Module): ...\nnet = 3", Status.FAIL),
        ("print(1)", Status.FAIL),
    ],
)
def test_a_network_under_a_name_of_the_students_own_is_not_missing(code: str, status: Status):
    """Unless something else has the name that was asked for, or the network belongs to another part."""
    check = OutputShape(target=Target(names=("net", "Net")), input=(4, 3, 32, 32), expected=(4,))
    given = ProbeResult(status="not_found")
    look = EvaluationPass(order=0, cell=1, model=model("flat", class_name="Flat"), source=0)
    evidence = factories.evidence(
        (HEADING, factories.cell(1, code)),
        probes=factories.answers({check.probes()[0]: given}),
        training=history(evaluations=(look,)),
    )
    sections = {"b": Section(title="b", heading="^Part b")}
    judgement = check.judge(factories.case(check, evidence, sections=sections, section="b"))
    assert judgement.status is status
    assert ("`flat` (Flat, cell 1) may be meant" in judgement.open) is (status is Status.NEEDS_TA)


def test_a_network_of_this_part_that_was_used_but_does_not_fit_is_named_to_the_ta():
    own = factories.cell(2, "class Flat(nn.Module): ...")
    look = EvaluationPass(order=0, cell=2, model=model("flat", class_name="Flat"), source=0)
    other = look.model_copy(update={"model": model("deep", class_name="Deep")})
    judgement = missing(own, looks=(other, look))
    assert judgement.status is Status.NEEDS_TA
    assert "`flat` (Flat, cell 2) may be meant" in judgement.open
    assert missing(own, looks=(other,)).status is Status.FAIL
