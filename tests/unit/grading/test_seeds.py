"""What is drawn for hidden inputs decides nothing: each bundled rubric that draws, with 20 seeds."""

from __future__ import annotations

from functools import cache

import pytest

from grader.facts.case import Reference
from grader.grading.grade import grade
from reference import ARCHITECTURES, FUNCTIONS
from tests.unit.grading.handed_in import bundle_of
from tests.unit.grading.test_bundled_rubrics import load
from tests.unit.grading.works import RIGHT, WRONG

REFERENCE = Reference(functions=FUNCTIONS, architectures=ARCHITECTURES)
WORKS = {"right": RIGHT, "wrong": WRONG}


@cache
def marks(name: str, work: str, seed: int) -> tuple[tuple[str, str, float], ...]:
    rubric = load(name)
    verdict = grade(rubric, bundle_of(rubric, WORKS[work][name], seed), REFERENCE)
    return tuple((each.criterion, each.status.value, each.points) for each in verdict.findings)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("work", sorted(WORKS))
@pytest.mark.parametrize("name", ["convolution", "lab1"])
def test_equal_work_gets_equal_marks_whatever_is_drawn(name: str, work: str, seed: int):
    assert marks(name, work, seed) == marks(name, work, 7)


def test_other_work_gets_other_marks():
    assert marks("convolution", "right", 7) != marks("convolution", "wrong", 7)
