"""A new rubric loads before anything in it was changed."""

from __future__ import annotations

import pytest

from grader.checks import registry
from grader.errors import UsageError
from grader.rubric.loader import load_rubric
from grader.rubric.starter import starter_text


def test_the_starter_is_a_valid_rubric_of_that_name():
    rubric = load_rubric(starter_text("lab4"), registry())
    assert rubric.assignment == "lab4"
    assert rubric.sections["part1a"].within == "part1"


@pytest.mark.parametrize("name", ["Lab 4", "", "../lab4", "-lab"])
def test_a_name_that_no_assignment_can_have_is_refused(name: str):
    with pytest.raises(UsageError, match="cannot be the name"):
        starter_text(name)
