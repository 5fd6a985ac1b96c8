"""What a rubric asks of the sandbox."""

from __future__ import annotations

from grader.checks.networks.output_shape import OutputShape
from grader.checks.networks.parameter_count import ParameterCount
from grader.evidence.plan import Limits, Picture, Target, Training
from grader.rubric.plan import plan_for
from tests import factories

NET, OTHER = Target(names=("net",)), Target(names=("other",))
CHECKS = (
    ParameterCount(target=NET, expected=3),
    ParameterCount(target=OTHER, expected=3),
    OutputShape(target=NET, input=(1, 2), expected=(1,)),
)


def test_equal_probes_are_asked_once_and_thresholds_are_no_part_of_the_plan():
    strict = ParameterCount(target=NET, expected=99, answer=True)
    assert plan_for(factories.rubric(*CHECKS, strict)).probes == plan_for(factories.rubric(*CHECKS)).probes
    assert len(plan_for(factories.rubric(*CHECKS)).probes) == 3


def test_the_plan_does_not_depend_on_the_order_of_criteria():
    assert plan_for(factories.rubric(*CHECKS)) == plan_for(factories.rubric(*reversed(CHECKS)))


def test_limits_and_training_are_the_rubrics_unless_given():
    rubric = factories.rubric(*CHECKS, limits=Limits(notebook_s=5), training=Training(batches_per_pass=7))
    plan = plan_for(rubric)
    assert (plan.limits.notebook_s, plan.training.batches_per_pass) == (5, 7)
    full = plan_for(rubric, training=Training(mode="full"), limits=Limits(), seed=3, cuda=True)
    assert (full.training.mode, full.limits, full.seed, full.cuda) == ("full", Limits(), 3, True)
    assert full.digest != plan.digest


def test_the_picture_that_stands_in_is_the_rubrics():
    size = Picture(height=350, width=210)
    assert plan_for(factories.rubric(*CHECKS, picture=size)).picture == size
    assert plan_for(factories.rubric(*CHECKS)).picture is None
