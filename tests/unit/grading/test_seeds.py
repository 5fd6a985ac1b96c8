"""What is drawn for hidden inputs decides nothing: each bundled rubric, and the demo's, with 20 seeds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from grader.checks import registry
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from reference import ARCHITECTURES, FUNCTIONS
from tests.unit.grading import work_on_pets
from tests.unit.grading.handed_in import bundle_of
from tests.unit.grading.works import RIGHT, WRONG

ROOT = Path(__file__).parents[3]
FILES = {path.stem: path for path in (ROOT / "rubrics").glob("*.yaml")}
FILES["pets"] = ROOT / "grader" / "samples" / "demo_course" / "pets.yaml"
REFERENCE = Reference(functions=FUNCTIONS, architectures=ARCHITECTURES)
WORKS = {
    "right": {**RIGHT, "pets": work_on_pets.work(right=True)},
    "wrong": {**WRONG, "pets": work_on_pets.work(right=False)},
}
#: The share of the automatic points that right work gets at least, and wrong work at most.
MUCH, LITTLE = 0.9, 0.6


@cache
def rubric_of(name: str) -> Rubric:
    return load_rubric(FILES[name], registry())


@cache
def marks(name: str, work: str, seed: int) -> tuple[tuple[str, str, float], ...]:
    rubric = rubric_of(name)
    verdict = grade(rubric, bundle_of(rubric, WORKS[work][name], seed), REFERENCE)
    return tuple((each.criterion, each.status.value, each.points) for each in verdict.findings)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("work", sorted(WORKS))
@pytest.mark.parametrize("name", sorted(FILES))
def test_equal_work_gets_equal_marks_whatever_is_drawn(name: str, work: str, seed: int):
    assert marks(name, work, seed) == marks(name, work, 7)


@pytest.mark.parametrize("name", sorted(FILES))
def test_right_work_and_wrong_work_are_judged_and_get_other_marks(name: str):
    """Equal marks would say nothing where all is left to a TA, or nothing is found."""
    automatic = [each for each in rubric_of(name).criteria if each.points and each.check.check != "manual"]
    out_of = sum(each.points for each in automatic)
    judged = {work: {one: (status, points) for one, status, points in marks(name, work, 7)} for work in WORKS}
    share = {work: sum(found[each.id][1] for each in automatic) / out_of for work, found in judged.items()}
    assert share["right"] >= MUCH, judged["right"]
    assert share["wrong"] <= LITTLE, judged["wrong"]


# Nothing is drawn for photos.
@pytest.mark.parametrize("name", sorted(FILES.keys() - {"lab3a"}))
def test_seeds_draw_other_evidence(name: str):
    """Equal evidence would be judged alike whatever is drawn."""
    first, second = (bundle_of(rubric_of(name), WORKS["right"][name], seed) for seed in (0, 1))
    arrays = [[array.tobytes() for array in bundle.arrays] for bundle in (first, second)]
    assert first.evidence != second.evidence or arrays[0] != arrays[1]
