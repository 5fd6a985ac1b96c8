"""From a solved notebook of another course to a rubric that was tried, by `grader handout`."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import pytest

from grader.checks import registry
from grader.errors import UsageError
from grader.facts.handout import parse_handout
from grader.rubric.loader import load_rubric
from grader.samples.percent import notebook_bytes, read_percent
from grader.store.rubrics import LoadedRubric
from grader.workflows.authoring.blank import blank_of
from grader.workflows.authoring.handout import NewLab, new_lab
from grader.workflows.regrading.reference import load_reference
from grader.workflows.trying.check_rubric import Beside, rubric_slips
from grader.workflows.trying.try_rubric import try_rubric

matplotlib.use("agg")

ROOT = Path(__file__).parents[2]
#: A lab like those of CS231n and the like: a two-layer convolutional network.
SOLVED = (Path(__file__).parent / "two_layer_lab.percent").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lab(torchvision: ModuleType) -> NewLab:
    from tests.in_process import InProcess

    solution = json.loads(notebook_bytes(read_percent(SOLVED)))
    for cell in solution["cells"]:
        del cell["id"], cell["metadata"]["id"]
    return new_lab(solution, name="two-layers", title="Two layers", sandbox=InProcess())


def loaded(lab: NewLab) -> LoadedRubric:
    rubric = load_rubric(lab.rubric, registry(), name="two-layers.yaml")
    return LoadedRubric(
        rubric, "two-layers.yaml", lab.rubric, parse_handout(lab.description), lab.description
    )


def test_criteria_are_found_with_their_values(lab: NewLab) -> None:
    checks = {each.id: each.check.model_dump() for each in loaded(lab).rubric.criteria}
    assert list(checks) == [
        "conv-size-values",
        "twolayerconvnet-parameters",
        "twolayerconvnet-shape",
        "training-settings",
        "training-loss",
        "training-fresh-weights",
        "questions-answer-11",
    ]
    calls = checks["conv-size-values"]["groups"][0]["calls"]
    assert [call["accept"] for call in calls] == [(28,), (16,)]
    assert checks["twolayerconvnet-parameters"]["expected"] == 3 * 8 * 25 + 8 + 8 * 16 * 16 * 10 + 10
    assert (checks["twolayerconvnet-shape"]["input"], checks["twolayerconvnet-shape"]["expected"]) == (
        (2, 3, 32, 32),
        (2, 10),
    )
    trained = checks["training-settings"]["settings"]
    found = [
        (each["optimizer"], each["learning_rate"], each["batch_size"], each["epochs"]) for each in trained
    ]
    assert found == [("SGD", 0.01, 16, 2), ("SGD", 0.1, 16, 2)]
    assert checks["training-loss"]["classes"] == 10
    assert checks["questions-answer-11"]["prompt"].startswith("Weights are shared by all places")


def test_the_draft_has_no_slips_and_stands_when_it_is_tried(lab: NewLab) -> None:
    from tests.in_process import InProcess

    reference = load_reference(ROOT / "reference")
    rubric = loaded(lab)
    assert rubric_slips(rubric, reference, Beside(lab.handout, lab.solution)) == []
    trial = try_rubric(rubric, reference, InProcess(), solution=lab.solution, blank=lab.handout)
    assert [remark.text for remark in trial.remarks if remark.kind == "error"] == []
    aimed = [one for one in trial.mutants if one.aims]
    assert len(aimed) >= 8
    assert [one.mistake for one in aimed if not one.hit] == []


def test_the_handout_holds_nothing_of_the_solution(lab: NewLab) -> None:
    handout = lab.handout.decode()
    for secret in (
        "padding=2",
        "cross_entropy",
        "max_pool2d",
        "shared by all places",
        "// stride",
        "SOLUTION",
    ):
        assert secret not in handout
    cells = json.loads(handout)["cells"]
    assert all(cell["id"] == cell["metadata"]["id"] for cell in cells)
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")


def solved(*sources: str, kind: str = "code", **metadata: Any) -> dict[str, Any]:
    cells = [
        {"cell_type": kind, "source": source, "metadata": metadata, "outputs": [], "execution_count": 1}
        for source in sources
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def given(*sources: str, kind: str = "code", **metadata: Any) -> list[str]:
    blank = blank_of(solved(*sources, kind=kind, **metadata), name="lab.ipynb")
    return [cell["source"] for cell in blank.notebook["cells"]]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION",
         "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError"),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\nprint(x)", "# YOUR CODE HERE\nprint(x)"),
        ("# BEGIN SOLUTION NO PROMPT\nx = 1\n# END SOLUTION", "# YOUR CODE HERE"),
        ("def f(x):\n    # START CODE HERE\n    y = x\n    # END CODE HERE\n    return y",
         "def f(x):\n    # START CODE HERE\n    # YOUR CODE HERE\n    raise NotImplementedError\n"
         "    # END CODE HERE\n    return y"),
        ("x = 3  # SOLUTION\nprint(x)", "x = ...\nprint(x)"),
        ("net.fc = nn.Linear(3, 4) # SOLUTION", "net.fc = ..."),
        ("train(net)  # SOLUTION", "..."),
        ("helper = 1 # SOLUTION NO PROMPT\nx = 2", "x = 2"),
        ("# SOLUTION\nx = 1\ny = 2", "# YOUR CODE HERE"),
    ],
)  # fmt: skip
def test_marks_of_other_tools_are_read(source: str, left: str) -> None:
    assert given(source) == [left]


def test_cells_with_a_tag_and_answers_in_words() -> None:
    assert given("x = 1", tags=["solution"]) == ["# YOUR CODE HERE"]
    assert given("**SOLUTION**\n\nBecause.", kind="markdown") == ["*Your answer here.*"]
    assert given("Why?\n\n<!-- BEGIN SOLUTION -->\nBecause.\n<!-- END SOLUTION -->", kind="markdown") == [
        "Why?\n\n*Your answer here.*"
    ]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1", "nothing is marked as solution"),
        ("### BEGIN SOLUTION\nx = 1", "a solution does not end"),
        ("### END SOLUTION", "a solution ends that did not begin"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "a solution begins within another"),
    ],
)
def test_marks_that_do_not_fit_are_told_with_their_line(source: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        blank_of(solved(source), name="lab.ipynb")
    assert caught.value.what == problem
    assert caught.value.where is not None
    assert caught.value.where.startswith("lab.ipynb")


def test_ids_that_colab_gave_stay() -> None:
    blank = blank_of(solved("# SOLUTION\nx = 1", id="AbC_1-x"), name="lab.ipynb")
    assert [cell["metadata"]["id"] for cell in blank.notebook["cells"]] == ["AbC_1-x"]
