"""`grader rubric try`: solutions earn, blanks do not, and the mistakes that students make are noticed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import matplotlib
import pytest

from grader.checks import registry
from grader.facts.case import Reference
from grader.facts.handout import fingerprint
from grader.rubric.loader import load_rubric
from grader.samples.datasets import write_stand_in
from grader.samples.percent import answered, notebook_bytes, read_percent
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.reference import load_reference
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.trying.mutants import Mutant, mutants_of
from grader.workflows.trying.try_rubric import RubricTrial, WrongNotebook, try_rubric
from reference.architectures import Architecture
from reference.layers import Linear, ReLU, Residual
from tests.acceptance.notebooks import notebook_bytes as acceptance_notebook

matplotlib.use("agg")

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "acceptance"
COURSE = ROOT / "grader" / "samples" / "demo_course"
BUNDLED = ("convolution", "lab1", "lab2", "lab3b", "pets")

#: Labs that train for long: only so many of their mistakes are made here, all of them in `make soak`.
TRAINED = {
    "lab2": ("is not built anew", "part5f is"),
    "lab3b": ("before the loss", "transfer-a is"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in ("cifar10", "gestures"):
        write_stand_in(name, folder)
    return folder


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(ROOT / "reference")


def percent(path: Path) -> bytes:
    return notebook_bytes(read_percent(path.read_text(encoding="utf-8")))


def bundled(name: str) -> tuple[LoadedRubric, bytes, bytes | None]:
    """The rubric, a solution, and the handout where the project has it."""
    if name == "pets":
        blank = percent(COURSE / "pets" / "handout.percent")
        text = (COURSE / "pets.yaml").read_text(encoding="utf-8")
        loaded = LoadedRubric(
            load_rubric(text, registry(), name="pets.yaml"), "pets.yaml", text, fingerprint(json.loads(blank))
        )
        texts = ((COURSE / "pets" / f"{one}.percent").read_text("utf-8") for one in ("handout", "ada"))
        return loaded, notebook_bytes(answered(*map(read_percent, texts))), blank
    loaded = load_rubric_file(ROOT / "rubrics" / f"{name}.yaml")
    solution = acceptance_notebook(CASES / name / "right")
    if name == "convolution":
        return loaded, solution, (ROOT / "rubrics" / "convolution_handout.ipynb").read_bytes()
    blank_case = CASES / name / "blank"
    return loaded, solution, acceptance_notebook(blank_case) if blank_case.is_dir() else None


def chosen(name: str) -> Callable[[Mutant], bool]:
    if os.environ.get("GRADER_SOAK") or name not in TRAINED:
        return lambda mutant: True
    return lambda mutant: any(part in mutant.mistake for part in TRAINED[name])


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_rubric_notices_what_students_do(
    name: str, data: Path, reference: Reference, torchvision: ModuleType
) -> None:
    from tests.in_process import InProcess

    loaded, solution, blank = bundled(name)
    trial = try_rubric(
        loaded, reference, InProcess(data), solution=solution, blank=blank, mutants=chosen(name)
    )
    assert [remark.text for remark in trial.remarks if remark.kind == "error"] == []
    aimed = [one for one in trial.mutants if one.aims]
    assert aimed
    assert len([one for one in aimed if one.hit]) >= 0.9 * len(aimed), [
        one.mistake for one in aimed if not one.hit
    ]


SOLUTION = """\
# %% [markdown] one
# ## Part 1

# %%
import torch
def max_pool2d(image, size, stride):
    rows = range(0, image.shape[0] - size + 1, stride)
    columns = range(0, image.shape[1] - size + 1, stride)
    return torch.stack([
        torch.stack([image[i:i + size, j:j + size].max() for j in columns]) for i in rows
    ])

# %%
import torch.nn as nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.relu(self.layer(x)) + x
"""

RUBRIC = """\
assignment: little
title: A little lab
total: 3
sections:
  one: {title: Part 1, heading: ^Part 1}
criteria:
  - id: pooling
    title: Max pooling
    points: 2
    section: one
    check: pooling
    function: max_pool2d
    kind: max
    arguments: [image, size, stride]
    groups:
      - {name: hidden, image: {kind: uniform, shape: [4, 4]}}
  - id: parameters
    title: Parameters
    points: 1
    section: one
    check: parameter_count
    target: {names: [Block]}
    expected: 20
"""


def tried(
    reference: Reference,
    solution: str = SOLUTION,
    *,
    text: str = RUBRIC,
    blank: str | None = None,
    wrong: tuple[WrongNotebook, ...] = (),
    mutants: Callable[[Mutant], bool] = lambda mutant: False,
) -> RubricTrial:
    from tests.in_process import InProcess

    rubric = load_rubric(text, registry(), name="little.yaml")
    loaded = LoadedRubric(rubric, "little.yaml", text)
    if blank is not None:
        loaded = replace(loaded, handout=fingerprint(json.loads(notebook_bytes(read_percent(blank)))))
    return try_rubric(
        loaded,
        reference,
        InProcess(),
        solution=notebook_bytes(read_percent(solution)),
        blank=None if blank is None else notebook_bytes(read_percent(blank)),
        wrong=wrong,
        mutants=mutants,
    )


def errors(trial: RubricTrial) -> list[str]:
    return [remark.text for remark in trial.remarks if remark.kind == "error"]


def test_a_sound_rubric_has_no_errors(reference: Reference, torchvision: ModuleType) -> None:
    trial = tried(reference, blank="# %% [markdown] one\n# ## Part 1\n\n# %%\n# TODO\n")
    assert errors(trial) == []
    assert trial.sound
    assert [one.solution.points for one in trial.criteria] == [2, 1]
    assert [one.blank and one.blank.points for one in trial.criteria] == [0, 0]


def test_a_solution_that_loses_and_a_blank_that_earns_are_errors(
    reference: Reference, torchvision: ModuleType
) -> None:
    (lost,) = errors(tried(reference, SOLUTION.replace("nn.Linear(4, 4)", "nn.Linear(4, 4, bias=False)")))
    assert lost.startswith("parameters: the solution loses 1: ")
    # The author forgot to take the answer out of the handout, and gives no handout to tell it by.
    given = tried(
        reference, wrong=(WrongNotebook("handout.ipynb", notebook_bytes(read_percent(SOLUTION)), "pooling"),)
    )
    (unnoticed,) = errors(given)
    assert unnoticed.startswith("pooling: does not notice handout.ipynb: ")


LUCK = """\
assignment: luck
title: A lab that hangs on luck
total: 1
criteria:
  - id: cubes
    title: The sum of cubes
    points: 1
    check: function_values
    function: sum_of_cubes
    reference: sum_of_cubes
    groups:
      - {name: hidden, calls: [{args: [{kind: integers, low: 1, high: 3, container: python}]}]}
"""


def test_points_that_hang_on_what_is_drawn_are_an_error(
    reference: Reference, torchvision: ModuleType
) -> None:
    from tests.in_process import InProcess

    loaded = LoadedRubric(load_rubric(LUCK, registry(), name="luck.yaml"), "luck.yaml", LUCK)
    for power, drawn in (
        ("n**3", ["cubes: equal work gets 0 or 1 points, by what is drawn (20 draws)"]),
        ("sum(k**3 for k in range(n + 1))", []),
    ):
        solution = notebook_bytes(read_percent(f"# %%\ndef sum_of_cubes(n):\n    return {power}\n"))
        trial = try_rubric(loaded, reference, InProcess(), solution=solution, mutants=lambda mutant: False)
        assert [text for text in errors(trial) if "drawn" in text] == drawn


def test_what_no_criterion_notices_is_said(reference: Reference, torchvision: ModuleType) -> None:
    trial = tried(reference, mutants=lambda mutant: "input" in mutant.mistake or "bias" in mutant.mistake)
    by_mistake = {one.mistake: one for one in trial.mutants}
    assert by_mistake["a Linear has no bias"].noticed_by == ("parameters",)
    assert by_mistake["a Linear has no bias"].hit
    assert by_mistake["a block's input is not added"].noticed_by == ()
    assert "a block's input is not added: no criterion notices" in [one.text for one in trial.remarks]


def test_a_block_without_its_input_is_noticed_by_what_it_computes(
    reference: Reference, torchvision: ModuleType
) -> None:
    block = Architecture("block", (4,), (Residual((Linear(4, 4), ReLU())),), "here")
    with_block = replace(reference, architectures={"block": block})
    keys = "check: module_values\n    target: {names: [Block]}\n    input: [3, 4]\n    reference: block"
    text = RUBRIC.replace("check: parameter_count\n    target: {names: [Block]}\n    expected: 20", keys)
    trial = tried(with_block, text=text, mutants=lambda mutant: "input" in mutant.mistake)
    [mutant] = trial.mutants
    assert (mutant.noticed_by, mutant.hit) == (("parameters",), True)
    assert errors(trial) == []


def test_a_mistake_changes_one_place_and_leaves_the_rest_as_it_is() -> None:
    from grader.intake import parse_notebook

    loaded, solution, _ = bundled("convolution")
    cells = parse_notebook(solution)
    for mutant in mutants_of(cells, loaded.rubric):
        assert mutant.changed
        assert all(cells[place].source != source for place, source in mutant.changed.items())
    by_mistake = {mutant.mistake: mutant for mutant in mutants_of(cells, loaded.rubric)}
    (changed,) = by_mistake["a Conv2d has no bias"].changed.values()
    assert changed.count("bias=False") == 1
