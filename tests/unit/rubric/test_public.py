"""What a rubric may mark public, and what a pre-check may tell of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks import registry
from grader.errors import RubricError
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from grader.rubric.public import public_part, told_early

RUBRICS = Path(__file__).resolve().parents[3] / "rubrics"


def rubric(criterion: str, more: str = "") -> Rubric:
    text = (
        f"assignment: lab\ntitle: A lab\ntotal: 1\n{more}criteria:\n"
        f"  - {{id: one, title: One, points: 1, public: true, {criterion}}}\n"
    )
    return load_rubric(text, registry(), name="lab.yaml")


HIDDEN = "function: f, reference: f, groups: [{name: g, calls: [{args: [1]}]}]"
COUNT = "check: parameter_count, target: {names: [net]}, expected: 7"


@pytest.mark.parametrize(
    "criterion",
    [
        "check: manual, prompt: words",
        f"check: function_values, {HIDDEN}",
        f"{COUNT}, answer: true",
        f"check: any_of, of: [{{{COUNT}}}, {{{COUNT}, answer: true}}]",
    ],
)
def test_what_hidden_inputs_or_a_person_decide_cannot_be_public(criterion: str) -> None:
    with pytest.raises(RubricError) as caught:
        rubric(criterion)
    assert [problem for problem in caught.value.problems if "cannot be public" in problem]
    assert caught.value.problems[0].startswith("lab.yaml:5")


def test_a_kind_made_of_others_tells_as_little_as_the_least_of_them() -> None:
    both = rubric(f"check: all_of, of: [{{check: no_builtin_shadowing}}, {{{COUNT}}}]")
    assert told_early(both.criteria[0]) == "outcome"
    words = rubric("check: all_of, of: [{check: no_builtin_shadowing}, {check: no_builtin_shadowing}]")
    assert told_early(words.criteria[0]) == "words"


def test_words_that_reports_hold_back_are_held_back_before_as_well() -> None:
    until = "remarks: {remarks_open_until: 2026-02-12T23:59:00-05:00}\n"
    held = rubric("check: no_builtin_shadowing, release: after_remarks", until)
    assert told_early(held.criteria[0]) == "outcome"


def test_what_is_not_public_tells_nothing_and_is_not_measured() -> None:
    lab = load_rubric(RUBRICS / "convolution.yaml", registry())
    private = next(each for each in lab.criteria if each.id == "conv2d")
    assert told_early(private) == "nothing"
    asked = plan_for(public_part(lab)).probes
    assert asked
    assert not [probe for probe in asked if probe.kind == "function"]
    assert len(asked) < len(plan_for(lab).probes)


@pytest.mark.parametrize("path", sorted(RUBRICS.glob("*.yaml")), ids=lambda path: path.stem)
def test_of_bundled_rubrics_nothing_public_calls_a_function_with_drawn_numbers(path: Path) -> None:
    public = public_part(load_rubric(path, registry()))
    calls = [
        argument
        for probe in plan_for(public).probes
        if probe.kind == "function"
        for call in probe.calls
        for argument in (*call.args, *call.kwargs.values())
    ]
    assert {argument.kind for argument in calls} <= {"literal"}
    assert bool(public.criteria) is (path.stem != "lab3a")
