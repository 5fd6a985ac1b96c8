from __future__ import annotations

import pytest

from grader.facts.fields import Where
from grader.grading.groups import group_key
from grader.grading.verdict import Finding
from grader.judging.exhibits import Pair
from grader.judging.judgement import Status

FOUND = Finding(
    criterion="loss",
    title="The loss",
    status=Status.PARTIAL,
    points=1.0,
    out_of=2.0,
    message="It is 0.5, expected 0.7. Cell 3 and line 12 hold it, cells 4, 5 and 9 too.",
    where=(Where(cell=3, line=12),),
    exhibits=(Pair(expected=0.7, found=0.5),),
)


@pytest.mark.parametrize(
    "change",
    [
        {"where": (Where(cell=30),)},
        {"message": "It is 0.5, expected 0.7. Cell 13 and line 2 hold it, cells 14, 15 and 19 too."},
        {"title": "Which loss"},
        {"advice": "read chapter 2"},
    ],
)
def test_findings_that_differ_in_places_only_are_alike(change: dict[str, object]) -> None:
    assert group_key(FOUND.model_copy(update=change)) == group_key(FOUND)


@pytest.mark.parametrize(
    "change",
    [
        {"criterion": "other"},
        {"status": Status.FAIL},
        {"points": 1.5},
        {"out_of": 3.0},
        {"pending": 1.0},
        {"message": "It is 0.6, expected 0.7. Cell 3 and line 12 hold it, cells 4, 5 and 9 too."},
        {"open": "It is not known."},
        {"exhibits": (Pair(expected=0.7, found=0.6),)},
        {"exhibits": ()},
    ],
)
def test_findings_that_stand_on_something_else_are_apart(change: dict[str, object]) -> None:
    assert group_key(FOUND.model_copy(update=change)) != group_key(FOUND)
