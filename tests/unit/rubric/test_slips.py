"""Slips that types let pass: each is named with its line and what was meant; honest rubrics have none."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Literal

import pytest

from grader.checks import registry
from grader.checks.networks.architecture import LayerSpec
from grader.errors import RubricError
from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.fields import OfTrainings, SectionName
from grader.facts.handout import fingerprint
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.rubric.loader import load_rubric
from grader.rubric.slips import Material, nearest_of, slips_in, torch_names

ROOT = Path(__file__).parents[3]

HEAD = """\
assignment: lab
title: A lab
total: 1
"""
CRITERION = """\
criteria:
  - id: one
    title: One
    points: 1
"""
REFERENCE = Material(
    functions=frozenset({"max_pool2d", "flipped_conv2d"}), networks=frozenset({"lenet5", "small_net"})
)
NETWORK = "    check: architecture\n    target: {names: [net]}\n    input: [1, 3, 8, 8]\n    layers:\n"
CALLS = "    groups: [{name: g, calls: [{args: [1], accept: [2]}]}]\n"


def slips(text: str, material: Material = REFERENCE) -> list[str]:
    rubric = load_rubric(text, registry(), name="lab.yaml")
    return [str(slip) for slip in slips_in(rubric, text, "lab.yaml", material)]


def of_criterion(keys: str, material: Material = REFERENCE) -> list[str]:
    return slips(HEAD + CRITERION + keys, material)


@pytest.mark.parametrize(
    ("keys", "line", "problem"),
    [
        (
            f"{NETWORK}      - {{type: AveragePooling}}\n",
            12,
            "no layer of torch.nn is called 'AveragePooling'; did you mean 'AvgPool2d'?",
        ),
        (
            f"{NETWORK}      - {{type: maxpool2d}}\n",
            12,
            "no layer of torch.nn is called 'maxpool2d'; did you mean 'MaxPool2d'?",
        ),
        (
            f"{NETWORK}      - {{type: Dense}}\n",
            12,
            "no layer of torch.nn is called 'Dense'; in torch it is 'Linear'",
        ),
        (
            f"{NETWORK}      - type: Conv2d\n        settings:\n          out_chanels: 3\n",
            14,
            "Conv2d has no setting 'out_chanels'; did you mean 'out_channels'?",
        ),
        (
            "    check: hyperparameter_settings\n    settings:\n      - title: x\n        optimizer: SDG\n",
            11,
            "no optimizer of torch.optim is called 'SDG'; did you mean 'SGD'?",
        ),
        (
            "    check: fresh_weights\n    must_train:\n      - title: x\n        optimizer: adam\n",
            11,
            "no optimizer of torch.optim is called 'adam'; did you mean 'Adam'?",
        ),
        (
            f"    check: function_values\n    function: f\n    reference: max_poool\n{CALLS}",
            10,
            "no function of the reference is called 'max_poool'; did you mean 'max_pool2d'?",
        ),
        (
            f"    check: function_values\n    function: f\n{CALLS}    mistakes:\n      fliped: turned\n",
            12,
            "no function of the reference is called 'fliped'; did you mean 'flipped_conv2d'?",
        ),
        (
            "    check: tensor_close\n    tensors:\n      - name: k\n        reference: sobel\n",
            11,
            "no function of the reference is called 'sobel'; known: flipped_conv2d, max_pool2d",
        ),
        (
            "    check: architecture\n    target: {names: [n]}\n    input: [1, 3]\n    reference: lenet\n",
            11,
            "no network of the reference is called 'lenet'; did you mean 'lenet5'?",
        ),
        (
            "    check: output_shape\n    input: [1, 3]\n    expected: [1]\n    target:\n"
            "      discover: {input_shape: [1, 3], base: [Conv2D_]}\n",
            12,
            "no layer of torch.nn is called 'Conv2D_'; did you mean 'Conv2d'?",
        ),
    ],
)
def test_a_name_of_nothing_is_named_with_its_line_and_what_was_meant(keys: str, line: int, problem: str):
    assert of_criterion(keys) == [f"lab.yaml:{line}: {problem}"]


def test_layers_that_a_training_does_not_show_are_told_of_and_stop_nobody():
    keys = "    check: architecture\n    trained_in: a\n    layers: [{type: Linear}, {type: ReLU}]\n"
    text = HEAD + "sections: {a: {title: A, heading: A}}\n" + CRITERION + keys
    rubric = load_rubric(text, registry(), name="lab.yaml")
    (slip,) = slips_in(rubric, text, "lab.yaml", REFERENCE)
    assert not slip.certain
    assert "'trained_in' only layers with weights are compared, so that ReLU earns" in slip.problem
    assert of_criterion(f"{NETWORK}      - {{type: ReLU}}\n") == []


class Trained(Check):
    """A kind with words of its own, whose marks say what they mean."""

    check: Literal["trained"] = "trained"
    grown_in: Annotated[SectionName | None, OfTrainings()] = None
    around: tuple[SectionName, ...] = ()
    kinds: tuple[LayerSpec, ...] = ()

    def judge(self, case: Case) -> Judgement:
        return Judgement.needs_ta("Nobody asks.")


def test_marks_tell_which_sections_a_kind_names_and_which_layers_it_cannot_see():
    keys = "    check: trained\n    grown_in: b\n    around: [a, b]\n    kinds: [{type: ReLU}, {type: GRU}]\n"
    text = HEAD + "sections: {a: {title: A, heading: A}, b: {title: B, heading: B}}\n" + CRITERION + keys
    rubric = load_rubric(text, {"trained": Trained}, name="lab.yaml")
    assert rubric.criteria[0].check.section_names() == ("b", "a", "b")
    (slip,) = slips_in(rubric, text, "lab.yaml", REFERENCE)
    assert slip.problem.startswith("with 'grown_in' only layers with weights are compared, so that ReLU")
    with pytest.raises(RubricError, match="unknown section 'c'"):
        load_rubric(text.replace("grown_in: b", "grown_in: c"), {"trained": Trained}, name="lab.yaml")
    bare = text.replace("    grown_in: b\n", "")
    assert slips_in(load_rubric(bare, {"trained": Trained}), bare, "lab.yaml", REFERENCE) == []


def test_data_sets_are_the_known_ones_or_a_folder_of_the_course():
    manual = CRITERION + "    check: manual\n    prompt: x\n"
    assert slips(HEAD + "data: [mnist, gestures]\n" + manual) == []
    assert slips(HEAD + "data:\n  - cifar10\n  - minst\n" + manual) == [
        "lab.yaml:6: no data set is called 'minst'; did you mean 'mnist'?"
    ]
    own = HEAD + "data: [butterflies]\n" + manual
    rubric = load_rubric(own, registry())
    (slip,) = slips_in(rubric, own, "lab.yaml", REFERENCE)
    assert not slip.certain


def cells(*headings: str) -> tuple[CellRecord, ...]:
    return tuple(
        CellRecord(index=index, kind="markdown", source=f"## {heading}")
        for index, heading in enumerate(headings)
    )


SECTIONS = (
    "sections:\n  one: {title: Part 1, ids: [q1], heading: '^Part 1\\b'}\n"
    "  two: {title: Part 2, ids: [q2x], heading: '^Part 2\\b'}\n"
    "  two-a: {title: Part 2 a, heading: '^\\(a\\)', within: two}\n"
)


def test_sections_that_the_handout_does_not_have():
    text = HEAD + SECTIONS + CRITERION + "    check: manual\n    prompt: x\n"
    given = {
        "cells": [{"cell_type": "markdown", "source": "x", "metadata": {"id": name}} for name in ("q1", "q2")]
    }
    by_id = Material(handout=fingerprint(given))
    assert slips(text, by_id) == ["lab.yaml:6: no cell of the handout has the id 'q2x'; did you mean 'q2'?"]
    assert slips(text, Material(notebooks=(cells("Part 1. Edges", "Part 2", "(a) Sobel"),))) == []
    # What lies within a lost section is lost with it, and told of once.
    assert slips(text, Material(notebooks=(cells("Part 1. Edges", "Parts 2", "(a) Sobel"),))) == [
        "lab.yaml:6: no heading of the notebooks given fits '^Part 2\\b', where this section may begin;"
        " the nearest is 'Parts 2'"
    ]


def test_functions_and_networks_are_to_be_in_handout_or_solution():
    known = Material(defined=frozenset({"net", "max_pool2d"}))
    function = f"    check: function_values\n    function: %s\n{CALLS}"
    assert of_criterion(function % "[maxpool, max_pool2d]", known) == []
    assert of_criterion(function % "max_pool", known) == [
        "lab.yaml:9: neither handout nor solution defines 'max_pool'; did you mean 'max_pool2d'?"
    ]
    by_hand = "    check: forbids_call\n    forbidden: [conv2d]\n    functions: [{name: conv}]\n"
    assert of_criterion(by_hand, known) == [
        "lab.yaml:10: neither handout nor solution defines 'conv'; known: max_pool2d, net"
    ]
    # Without a solution nobody knows what students are to define.
    assert of_criterion(function % "max_pool") == []


def test_variables_may_be_told_in_another_way_so_that_their_names_stop_nobody():
    keys = "    check: tensor_close\n    tensors: [{name: edges, expect: [1]}]\n"
    text = HEAD + CRITERION + keys
    rubric = load_rubric(text, registry())
    (slip,) = slips_in(rubric, text, "lab.yaml", Material(defined=frozenset({"edge"})))
    assert (slip.certain, slip.problem) == (
        False,
        "neither handout nor solution defines 'edges'; did you mean 'edge'?",
    )


@pytest.mark.parametrize("path", sorted((ROOT / "rubrics").glob("*.yaml")), ids=lambda path: path.stem)
def test_bundled_rubrics_have_none(path: Path):
    reference = importlib.import_module("reference")
    material = Material(functions=frozenset(reference.FUNCTIONS), networks=frozenset(reference.ARCHITECTURES))
    text = path.read_text(encoding="utf-8")
    rubric = load_rubric(path, registry())
    assert slips_in(rubric, text, path.name, material) == []


def test_of_layers_that_differ_in_their_dimensions_the_one_for_pictures_is_nearest():
    assert nearest_of("BatchNorm", torch_names().layers) == "BatchNorm2d"
    assert nearest_of("conv1D", torch_names().layers) == "Conv1d"


def test_the_table_is_that_of_the_torch_that_is_shipped():
    script = importlib.import_module("scripts.torch_names")
    assert script.TABLE.read_text(encoding="utf-8") == script.json.dumps(script.table(), indent=1) + "\n"
