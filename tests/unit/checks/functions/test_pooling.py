from __future__ import annotations

import pytest
import torch.nn.functional as F
from pydantic import ValidationError

from grader.checks.functions.pooling import Pooling, PoolingGroup
from grader.evidence.record import ProbeResult
from grader.facts.case import Reference
from grader.judging.exhibits import Window
from grader.judging.judgement import Status
from reference import FUNCTIONS
from tests.factories import answers, called, case, case_of_function, code_cells, evidence, shown

GROUPS = [
    {"name": "side by side", "image": [6, 8]},
    {"name": "border", "image": [5, 7]},
    {"name": "overlapping", "image": [7, 9], "size": 3, "stride": 2, "weight": 2},
]
MAX = Pooling(function="max_pool2d", kind="max", arguments=["image", "size", "stride"], groups=GROUPS)
AVERAGE = Pooling(function="pool", kind="average", arguments=["image", "size", "stride"], groups=GROUPS)


def max_pool(image, size, stride):
    return F.max_pool2d(image[None], size, stride)[0]


def average_pool(image, size, stride):
    return F.avg_pool2d(image[None], size, stride)[0]


def judge(function, check=MAX):
    return check.judge(case_of_function(check, function))


def test_right_poolings_pass():
    assert judge(max_pool).status is Status.PASS
    assert judge(average_pool, AVERAGE).status is Status.PASS


@pytest.mark.parametrize(
    ("check", "wrong", "named", "share"),
    [
        (MAX, average_pool, "it is average pooling", 0),
        (AVERAGE, max_pool, "it is max pooling", 0),
        (MAX, lambda i, k, s: max_pool(i, k, 1), "the stride is ignored", 0),
        (MAX, lambda i, k, s: max_pool(i, k, k), "do not overlap as asked", 0.5),
        (MAX, lambda i, k, s: -max_pool(-i, k, s), "the smallest number", 0),
        (MAX, lambda i, k, s: max_pool(i.clamp(min=0), k, s), "starts at 0", None),
        (MAX, lambda i, k, s: max_pool(i, k, s).T, "transposed axes", 0),
        (AVERAGE, lambda i, k, s: average_pool(i, k, s) * k * k, "summed, not averaged", 0),
    ],
)
def test_usual_mistakes_are_named(check, wrong, named, share):
    judgement = judge(wrong, check)
    assert named in judgement.message
    assert judgement.status in (Status.FAIL, Status.PARTIAL)
    if share is not None:
        assert judgement.share == pytest.approx(share)


DOCUMENTED = Pooling(
    function="max_pool2d",
    kind="max",
    arguments=["image", "size", "stride"],
    groups=[
        {"name": "side by side", "image": [6, 8]},
        {"name": "overlapping", "image": [7, 9], "size": 3, "stride": 2},
    ],
)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_drawn_decides_nothing(seed):
    def judged(function):
        return DOCUMENTED.judge(case_of_function(DOCUMENTED, function, seed=seed))

    assert judged(max_pool).status is Status.PASS
    from_zero = judged(lambda i, k, s: max_pool(i, k, s).clamp(min=0))
    assert (from_zero.status, from_zero.share) == (Status.FAIL, 0)
    assert "starts at 0" in from_zero.message
    assert judged(lambda i, k, s: max_pool(i, k, s).clamp(min=-0.5)).share == 0
    assert judged(lambda i, k, s: max_pool(i.abs(), k, s)).share == 0


def test_evidence_of_an_attempt_that_was_asked_less_is_judged_as_it_is():
    asked = DOCUMENTED.model_copy(update={"kind": "average"}).probes()[0]
    arrays = []

    def judged(function):
        given = evidence(
            code_cells("..."), probes=answers([(asked, called(asked, function, arrays, cell=0))])
        )
        return DOCUMENTED.judge(
            case(DOCUMENTED, given, arrays=arrays, reference=Reference(functions=FUNCTIONS))
        )

    assert judged(max_pool).status is Status.PASS
    assert judged(average_pool).status is Status.FAIL


def test_images_that_the_rubric_draws_in_its_own_way_are_left_so():
    check = DOCUMENTED.model_copy(
        update={"groups": (PoolingGroup(name="g", image={"kind": "uniform", "shape": [4, 4]}, count=2),)}
    )
    assert len(check.probes()[0].calls) == 2
    assert len(DOCUMENTED.probes()[0].calls) == 4


def test_the_picture_has_the_window_but_no_kernel():
    drawn = shown(judge(lambda i, k, s: max_pool(i, k, 1)[:, :]), Window)
    assert drawn.kernel is None
    assert drawn.expected_shape == (3, 4)
    assert drawn.got_shape == (5, 7)
    assert drawn.difference is None


def test_an_attempt_that_was_never_asked_is_missing_evidence():
    assert MAX.judge(case(MAX, evidence())).status is Status.MISSING_EVIDENCE


def test_a_missing_function_fails():
    found = [(MAX.probes()[0], ProbeResult(status="not_found"))]
    judgement = MAX.judge(case(MAX, evidence(code_cells("x = 1"), probes=answers(found))))
    assert judgement.status is Status.FAIL


def test_a_function_without_an_image_is_refused():
    with pytest.raises(ValidationError, match="needs image"):
        Pooling(function="f", kind="max", arguments=["size"], groups=GROUPS)
