"""One question from several checks: what is certain decides, what is open goes to a person."""

from __future__ import annotations

import itertools
from typing import ClassVar

import pytest

from grader.checks import registry
from grader.errors import RubricError
from grader.evidence.plan import probe_id
from grader.facts.case import Case
from grader.facts.known import Known
from grader.grading.grade import grade
from grader.judging.check import Check
from grader.judging.combined import all_count, one_counts
from grader.judging.exhibits import Pair, Prompt
from grader.judging.judgement import Judgement, Status
from grader.rubric.loader import load_rubric
from grader.rubric.plan import plan_for
from grader.rubric.slips import Material, slips_in
from tests import factories

ON = Known(True)
SAID = {
    "pass": Judgement.passed("It is right.", on=ON),
    "fail": Judgement.failed("It is wrong.", on=ON, advice="Mend it."),
    "half": Judgement.partial(0.5, "It is half right.", on=ON),
    "open": Judgement.needs_ta("It may be right.", open="It was not seen."),
    "part": Judgement.needs_ta("A part may be right.", open="One call was not seen.", share=0.25),
    "missing": Judgement.missing("It was never measured."),
    "error": Judgement.check_failed("some", ValueError("nothing")),
}
BOUNDS = {
    "pass": (1, 1),
    "fail": (0, 0),
    "half": (0.5, 0.5),
    "open": (0, 1),
    "part": (0.25, 1),
    "missing": (0, 1),
    "error": (0, 1),
}


@pytest.mark.parametrize(("one", "two"), list(itertools.product(SAID, SAID)))
@pytest.mark.parametrize(("combine", "choose"), [(one_counts, max), (all_count, min)])
def test_what_is_certain_of_the_parts_is_certain_of_the_whole(combine, choose, one: str, two: str) -> None:
    judged = combine([SAID[one], SAID[two]])
    least, most = (choose(pair) for pair in zip(BOUNDS[one], BOUNDS[two], strict=True))
    if least == most:
        assert judged.status is {1: Status.PASS, 0: Status.FAIL}.get(least, Status.PARTIAL)
        assert (judged.share, judged.open_share) == (least, 0)
    elif "error" in (one, two):
        assert judged.status is Status.CHECK_ERROR
    elif "missing" in (one, two):
        assert judged.status is Status.MISSING_EVIDENCE
    else:
        assert (judged.status, judged.share) == (Status.NEEDS_TA, least)
        assert judged.open_share == pytest.approx(most - least)


@pytest.mark.parametrize(
    ("combine", "parts", "said"),
    [
        (one_counts, ["fail", "pass"], "It is right."),
        (one_counts, ["fail", "half"],
         "Neither of the two ways is there. (1) It is wrong. (2) It is half right."),
        (one_counts, ["fail", "fail"], "It is wrong."),
        (one_counts, ["fail", "open", "fail"],
         "One of 3 ways is enough, and none is certain. (1) It is wrong. (2) It may be right."
         " (3) It is wrong."),
        (all_count, ["pass", "pass"], "It is right."),
        (all_count, ["pass", "fail"], "1 of 2 is right, and both are needed. It is wrong."),
        (all_count, ["open", "fail", "pass"], "1 of 3 is right, and all are needed. It is wrong."),
        (all_count, ["open", "pass"], "1 of 2 is right, and both are needed. It may be right."),
        (all_count, ["open", "half"],
         "0 of 2 are right, and both are needed. (1) It may be right. (2) It is half right."),
    ],
)  # fmt: skip
def test_it_says_what_was_found_and_no_more(combine, parts: list[str], said: str) -> None:
    judged = combine([SAID[each] for each in parts])
    assert judged.message == said
    assert (judged.open == "It was not seen.") is (judged.status is Status.NEEDS_TA)


def test_advice_and_places_are_those_of_what_is_not_right_first() -> None:
    right = Judgement.passed("Right.", on=ON, advice="Well done.", exhibits=(Prompt(text="right"),))
    wrong = SAID["fail"].model_copy(update={"exhibits": (Prompt(text="wrong"),)})
    judged = all_count([right, wrong])
    assert judged.advice == "Mend it."
    assert [exhibit.text for exhibit in judged.exhibits] == ["wrong", "right"]
    assert one_counts([wrong, right]).exhibits == right.exhibits


def test_of_several_pairs_none_stands_for_the_whole() -> None:
    wrong = [
        SAID["fail"].model_copy(update={"exhibits": (Pair(expected=n, found=5), Prompt(text="look"))})
        for n in (1, 2)
    ]
    assert one_counts(wrong).exhibits == (Prompt(text="look"),)
    assert one_counts([wrong[0], SAID["fail"]]).exhibits == wrong[0].exhibits


HEAD = """\
assignment: lab
title: A lab
total: 1
criteria:
  - id: one
    title: One
    points: 1
"""
NESTED = (
    HEAD
    + """\
    check: all_of
    of:
      - {check: parameter_count, target: {names: [Net]}, expected: 27}
      - check: any_of
        of:
          - {check: output_shape, target: {names: [Net]}, input: [4, 8], expected: [4, 3]}
          - check: function_values
            function: f
            groups: [{name: g, calls: [{args: [1], accept: [2]}]}]
"""
)


def test_all_of_it_is_measured_in_one_run() -> None:
    rubric = load_rubric(NESTED, registry())
    check = rubric.criteria[0].check
    assert [part.check for part in check.parts()] == ["parameter_count", "output_shape", "function_values"]
    assert {probe.kind for probe in plan_for(rubric).probes} == {"module", "function"}
    asked = {probe_id(probe) for part in check.parts() for probe in part.probes()}
    assert {probe_id(probe) for probe in plan_for(rubric).probes} == asked


def test_a_rubric_reads_back_as_it_was_written() -> None:
    check = load_rubric(NESTED, registry()).criteria[0].check
    assert check.model_dump()["of"][1]["of"][0]["expected"] == (4, 3)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("check: parameter_count", "check: parameter_cuont", "lab.yaml:10: unknown check 'parameter_cuont'"),
        ("input: [4, 8]", "inptu: [4, 8]", "lab.yaml:13: unknown key 'inptu'; did you mean 'input'?"),
        ("function: f", "function: f\n            points: 2", "lab.yaml:16: unknown key 'points'"),
        ("      - {check: parameter_count, target: {names: [Net]}, expected: 27}\n", "",
         "'of': tuple should have at least 2 items"),
        ("{check: parameter_count, target: {names: [Net]}, expected: 27}", "parameter_count",
         "lab.yaml:10: a check is a mapping with 'check'"),
        ("{check: parameter_count, target: {names: [Net]}, expected: 27}", "{check: photo_count, each: 3}",
         "'photo_count' judges photos, and stands by itself"),
    ],
)  # fmt: skip
def test_a_slip_within_is_told_with_its_line(was: str, now: str, said: str) -> None:
    with pytest.raises(RubricError) as raised:
        load_rubric(NESTED.replace(was, now), registry(), name="lab.yaml")
    assert said in str(raised.value)


def test_names_of_nothing_are_found_within() -> None:
    text = NESTED.replace("function: f", "function: f\n            reference: max_poool")
    material = Material(functions=frozenset({"max_pool2d"}))
    [slip] = slips_in(load_rubric(text, registry(), name="lab.yaml"), text, "lab.yaml", material)
    assert str(slip).startswith(
        "lab.yaml:16: no function of the reference is called 'max_poool'; did you mean"
    )


class Broken(Check):
    """Raises."""

    named: ClassVar[str] = "broken"

    check: str = "broken"

    def judge(self, case: Case) -> Judgement:
        raise ValueError("a mistake of ours")


def test_a_part_that_raises_is_our_fault_unless_another_decides() -> None:
    rubric = load_rubric(NESTED, registry())
    [criterion] = rubric.criteria
    bundle = factories.case(criterion.check, factories.evidence(factories.code_cells("x = 1"))).bundle
    manual = registry()["manual"](prompt="look")
    for kind, status in (("any_of", Status.CHECK_ERROR), ("all_of", Status.CHECK_ERROR)):
        check = registry()[kind](of=(Broken(), manual))
        changed = rubric.model_copy(update={"criteria": (criterion.model_copy(update={"check": check}),)})
        [finding] = grade(changed, bundle, factories.case(check, bundle.evidence).reference).findings
        assert finding.status is status
        assert finding.pending == 1
        assert "a mistake of ours" in finding.message


def test_a_trained_network_asked_for_under_a_budget_is_missing_in_its_part_alone() -> None:
    run = factories.training_run(0, 0, passes_cut=1)
    evidence = factories.evidence(factories.code_cells("x = 1"), training=factories.history(run))
    kinds = registry()
    trained = kinds["reaches_accuracy"](pattern="accuracy: ([0-9.]+)", at_least=0.6)
    one = kinds["any_of"](of=(trained, kinds["manual"](prompt="look")))
    assert one.judge(factories.case(one, evidence)).status is Status.MISSING_EVIDENCE
    absent = kinds["parameter_count"](target={"names": ["Net"]}, expected=27)
    both = kinds["all_of"](of=(trained, absent))
    assert "training budget" in both.judge(factories.case(both, evidence)).message
