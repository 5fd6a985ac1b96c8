"""Shapes that come out of a network."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.output_shape import OutputShape
from grader.evidence.plan import Discovery, Target
from grader.evidence.record import ForwardRecord, ModuleRecord, ProbeResult, RaisedError
from grader.evidence.values import ArrayValue, NoneValue
from grader.rubric.model import Judgement, Status
from tests import factories


def tensor(*shape: int) -> ArrayValue:
    return ArrayValue(type="torch.Tensor", dtype="float32", shape=shape)


def net(output: Any = None, error: RaisedError | None = None) -> ModuleRecord:
    forward = ForwardRecord(input=tensor(4, 3, 32, 32), output=output, error=error)
    return ModuleRecord(found_by="name", name="net", class_name="Net", cell=3, forwards=(forward,))


def judge(*records: Any, **fields: Any) -> Judgement:
    given = {"target": Target(names=("net",)), "input": (4, 3, 32, 32), "expected": (4,), **fields}
    check = OutputShape(**given)
    probes = factories.answers(dict(zip(check.probes(), records, strict=True)))
    return check.judge(factories.case(check, factories.evidence(probes=probes)))


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
    assert judgement.data == {"found": list(shape), "expected": list(fields.get("expected", (4,)))}


def test_a_network_that_raises_or_gives_no_tensor_fails_with_its_own_words():
    raised = judge(net(error=RaisedError(type="RuntimeError", message="shapes cannot be multiplied")))
    assert raised.status is Status.FAIL
    assert "shapes cannot be multiplied" in raised.message
    assert judge(net(NoneValue())).status is Status.FAIL
    assert judge(net(None)).data["found"] is None


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
