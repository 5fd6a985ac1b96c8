"""A pre-check: what of a notebook it tells, and what it may not."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from grader.checks import registry
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.rubric.loader import load_rubric
from grader.sandbox.base import Sandbox
from grader.sandbox.fake import FakeSandbox
from grader.store.rubrics import LoadedRubric
from grader.workflows.prechecking.offline import file_to_check, precheck_file
from grader.workflows.prechecking.precheck import Looked, PreCheck
from grader.workflows.upkeep.settings import Settings
from tests import course

RUBRIC = """\
assignment: lab
title: A lab
total: 8
criteria:
  - {id: size, title: Size, points: 1, public: true, hint: Count it., check: parameter_count,
     target: {names: [net]}, expected: 987}
  - {id: shape, title: Shape, points: 1, public: true, check: output_shape,
     target: {names: [net]}, input: [6, 3], expected: [6, 431]}
  - {id: names, title: Names, points: 0, public: true, check: no_builtin_shadowing}
  - {id: secret, title: Secret, points: 2, check: function_values, function: cube, reference: sum_of_cubes,
     groups: [{name: hidden group, calls: [{args: [
       {kind: integers, low: 7000, high: 9000, container: python}]}]}]}
  - {id: words, title: Words, points: 4, check: manual, prompt: the sought-for reason}
"""

GOOD = ("import torch\nnet = torch.nn.Linear(3, 2)", "def cube(n):\n    return n ** 3")
BAD = (*GOOD, "sum = 3")


@pytest.fixture(scope="module")
def box(torchvision: ModuleType) -> Sandbox:
    from tests.in_process import InProcess

    return InProcess()


def loaded(text: str = RUBRIC) -> LoadedRubric:
    return LoadedRubric(load_rubric(text, registry()), "lab.yaml", text)


def looked_at(tmp_path: Path, box: Sandbox, *sources: str, text: str = RUBRIC) -> PreCheck:
    path = tmp_path / "lab.ipynb"
    path.write_bytes(course.notebook(*sources))
    return precheck_file(file_to_check(path), loaded(text), Reference(), box, Settings())


def by_id(seen: PreCheck) -> dict[str, Looked]:
    return {each.criterion: each for each in seen.looked}


def test_public_criteria_alone_are_looked_at(tmp_path: Path, box: Sandbox) -> None:
    seen = looked_at(tmp_path, box, *BAD)
    assert [each.criterion for each in seen.looked] == ["size", "shape", "names"]
    assert (seen.later, seen.later_points, seen.out_of) == (2, 6, 8)
    assert seen.outcome is Outcome.COMPLETED
    assert not seen.all_well


def test_what_was_found_is_told_and_never_what_was_expected(tmp_path: Path, box: Sandbox) -> None:
    seen = looked_at(tmp_path, box, *BAD)
    size, shape, names = (by_id(seen)[name] for name in ("size", "shape", "names"))
    assert (size.seems, size.found, size.words) == ("not as asked", "8", "")
    assert (shape.seems, shape.found, shape.words) == ("not as asked", "[6, 2]", "")
    assert names.seems == "not as asked"
    assert "`sum`" in names.words
    assert "no. 2" in names.places[0]
    told = seen.model_dump_json()
    for hidden in ("987", "431", "hidden group", "7000", "sum_of_cubes", "sought-for"):
        assert hidden not in told


def test_a_pass_says_no_number_either(tmp_path: Path, box: Sandbox) -> None:
    right = RUBRIC.replace("expected: 987", "expected: 8").replace("[6, 431]", "[6, 2]")
    seen = looked_at(tmp_path, box, *GOOD, text=right)
    assert {each.seems for each in seen.looked} == {"as asked"}
    assert by_id(seen)["size"].words == ""
    assert seen.all_well


def test_the_sandbox_is_asked_for_nothing_hidden(tmp_path: Path) -> None:
    asked = FakeSandbox(course.answer)
    looked_at(tmp_path, asked, *GOOD)
    (job,) = asked.jobs
    assert {probe.kind for probe in job.plan.probes} == {"module"}
    assert "cube" not in job.plan.model_dump_json()


def test_a_cell_that_raises_is_named_in_the_words_of_its_author(tmp_path: Path, box: Sandbox) -> None:
    seen = looked_at(tmp_path, box, *GOOD, "1 / 0")
    assert seen.outcome is Outcome.CELL_ERROR
    assert "`1 / 0`" in seen.run
    assert not seen.all_well


def test_what_cannot_be_told_says_that_it_costs_nothing(tmp_path: Path, box: Sandbox) -> None:
    seen = looked_at(tmp_path, box, "import ctypes", *GOOD)
    assert by_id(seen)["size"].seems in ("not as asked", "cannot be told")
    assert any("no mark" in sentence for sentence in seen.limits)
    unsure = looked_at(tmp_path, FakeSandbox(course.answer), *GOOD)
    assert by_id(unsure)["size"].seems == "cannot be told"
    assert any("no points are lost" in sentence for sentence in unsure.limits)


def test_a_file_that_is_no_notebook_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "lab.ipynb"
    path.write_text("<html>Sign in</html>")
    asked = FakeSandbox(course.answer)
    seen = precheck_file(file_to_check(path), loaded(), Reference(), asked, Settings())
    assert not asked.jobs
    assert re.search("notebook", seen.problem)
    assert not seen.looked
    assert not seen.all_well


def test_words_survive_being_kept(tmp_path: Path, box: Sandbox) -> None:
    seen = looked_at(tmp_path, box, *BAD)
    assert PreCheck.model_validate_json(seen.model_dump_json()) == seen
