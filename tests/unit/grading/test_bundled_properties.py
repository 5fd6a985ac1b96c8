"""What must hold of every verdict, tried on the bundled rubrics with hand-built evidence."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.judging.judgement import Status
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from reference import ARCHITECTURES, FUNCTIONS
from tests.unit.grading.handed_in import bundle_of
from tests.unit.grading.numbers import Site, sites, with_nan
from tests.unit.grading.works import RIGHT, WRONG

RUBRICS = Path(__file__).parents[3] / "rubrics"
NAMES = sorted(path.stem for path in RUBRICS.glob("*.yaml"))
REFERENCE = Reference(functions=FUNCTIONS, architectures=ARCHITECTURES)

few = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
many = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@cache
def rubric_of(name: str) -> Rubric:
    """The bundled rubric, 100 points for every criterion: advice counts too, and rounding hides nothing."""
    rubric = load_rubric(RUBRICS / f"{name}.yaml", registry())
    criteria = tuple(criterion.model_copy(update={"points": 100.0}) for criterion in rubric.criteria)
    return rubric.model_copy(update={"criteria": criteria, "total": 100.0 * len(criteria)})


@cache
def wrong_work(name: str) -> tuple[Bundle, Verdict, list[Site]]:
    bundle = bundle_of(rubric_of(name), WRONG[name])
    return bundle, judge(rubric_of(name), bundle), sites(bundle)


def judge(rubric: Rubric, bundle: Bundle) -> Verdict:
    return grade(rubric, bundle, REFERENCE)


def automatic(rubric: Rubric, verdict: Verdict) -> dict[str, Status]:
    kinds = {criterion.id: criterion.check.check for criterion in rubric.criteria}
    return {
        finding.criterion: finding.status
        for finding in verdict.findings
        if kinds[finding.criterion] != "manual"
    }


@pytest.mark.parametrize("name", NAMES)
def test_hand_built_work_is_right_or_wrong_in_every_automatic_criterion(name: str):
    rubric = rubric_of(name)
    right = automatic(rubric, judge(rubric, bundle_of(rubric, RIGHT[name])))
    assert set(right.values()) == {Status.PASS}, right
    wrong = automatic(rubric, wrong_work(name)[1])
    assert set(wrong.values()) <= {Status.FAIL, Status.PARTIAL, Status.NEEDS_TA}, wrong


@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data())
def test_the_order_of_criteria_changes_no_finding(name: str, data: st.DataObject):
    rubric = rubric_of(name)
    bundle, verdict, _ = wrong_work(name)
    shuffled = tuple(data.draw(st.permutations(rubric.criteria)))
    again = judge(rubric.model_copy(update={"criteria": shuffled}), bundle)
    found = {finding.criterion: finding.model_dump_json() for finding in again.findings}
    assert found == {finding.criterion: finding.model_dump_json() for finding in verdict.findings}
    assert (again.points, again.pending) == (verdict.points, verdict.pending)


@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data())
def test_judging_twice_gives_equal_bytes(name: str, data: st.DataObject):
    bundle, _, numbers = wrong_work(name)
    chosen = data.draw(st.sets(st.sampled_from(numbers), max_size=3))
    first, second = (judge(rubric_of(name), with_nan(bundle, chosen)) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()


def raised_by(name: str, chosen: Iterable[Site]) -> dict[str, str]:
    """Criteria that earn more, or whose check fails, when these numbers are NaN; with their messages."""
    bundle, verdict, _ = wrong_work(name)
    before = {finding.criterion: finding.points for finding in verdict.findings}
    return {
        finding.criterion: finding.message
        for finding in judge(rubric_of(name), with_nan(bundle, chosen)).findings
        if finding.points > before[finding.criterion] or finding.status is Status.CHECK_ERROR
    }


@pytest.mark.parametrize("name", NAMES)
@many
@given(data=st.data())
def test_a_number_that_is_none_never_raises_a_share(name: str, data: st.DataObject):
    chosen = data.draw(st.sets(st.sampled_from(wrong_work(name)[2]), min_size=1, max_size=3))
    assert raised_by(name, chosen) == {}


@pytest.mark.parametrize(
    ("name", "criterion", "number"),
    [("lab2", "fresh-weights", "carried_share"), ("lab3b", "settings-tried", "lr")],
)
def test_a_share_or_a_learning_rate_that_is_no_number_raises_nothing(name: str, criterion: str, number: str):
    lost = [site for site in wrong_work(name)[2] if site.path[-1] == number]
    assert lost
    assert [site for site in lost if criterion in raised_by(name, [site])] == []
