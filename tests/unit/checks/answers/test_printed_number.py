"""Printed numbers that have to be above or below something, or between the two."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.checks.answers.printed_number import PrintedNumber
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell

PATTERN = r"accuracy: ([\d.]+)"


def judge(printed: str, **fields: float) -> Judgement:
    check = PrintedNumber(pattern=PATTERN, **fields)
    cells = (cell(0, "report()", printed=printed),)
    return check.judge(factories.case(check, factories.evidence(cells)))


@pytest.mark.parametrize(
    ("fields", "printed", "status", "says"),
    [
        ({"above": 0.9}, "accuracy: 0.8\naccuracy: 0.95\naccuracy: 0.93", Status.PASS, "0.95, above 0.9"),
        ({"above": 0.9}, "accuracy: 0.8\naccuracy: 0.9", Status.NEEDS_TA, "asked for is one above 0.9"),
        ({"below": 0.9}, "accuracy: 0.95\naccuracy: 0.8", Status.PASS, "0.8, below 0.9"),
        (
            {"above": 0.5, "below": 0.9},
            "accuracy: 0.2\naccuracy: 0.7",
            Status.PASS,
            "above 0.5 and below 0.9",
        ),
        (
            {"above": 0.5, "below": 0.9},
            "accuracy: 0.2\naccuracy: 0.99",
            Status.NEEDS_TA,
            "above 0.5 and below",
        ),
    ],
)
def test_the_best_number_counts(fields: dict[str, float], printed: str, status: Status, says: str) -> None:
    judgement = judge(printed, **fields)
    assert judgement.status is status
    assert says in judgement.message


@pytest.mark.parametrize("fields", [{}, {"above": 0.9, "below": 0.9}, {"above": 0.9, "below": 0.1}])
def test_what_no_number_can_be_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=r"give below, above|no number is above"):
        PrintedNumber(pattern=PATTERN, **fields)
