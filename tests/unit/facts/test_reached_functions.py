"""Which functions of a notebook some code of it uses."""

from __future__ import annotations

import pytest

from grader.checks.training.fresh_weights import FreshWeights
from grader.judging.judgement import Status
from tests import factories
from tests.factories import case, code_cells

TRAIN = "def train(net):\n    loss.backward()"


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        ("def one(net):\n    train(net)", True),
        ("def one(net, how=train):\n    how(net)", True),
        ("def one(net, train=train):\n    train(net)", True),
        ("def one(net):\n    def two(train):\n        return train\n    return train(net)", True),
        ("def one(nets):\n    return map(lambda net: train(net), nets)", True),
        ("class one:\n    def __init__(self, train):\n        self.part = 1 if train else 2", False),
        ("def one(train=False):\n    return lambda x: x if train else 0", False),
        ("def one(nets):\n    return [lambda train: train for net in nets]", False),
        ("def one(*train):\n    return train", False),
    ],
)
def test_a_parameter_is_no_use_of_a_function_of_its_name(code: str, uses: bool) -> None:
    functions = case(FreshWeights(), factories.evidence(code_cells(TRAIN, code))).facts.functions
    reached = functions.reached_from(functions.by_name["one"])
    assert ("train" in {each.name for each in reached}) is uses


def test_a_function_that_is_never_called_trains_nothing() -> None:
    rows = "class Rows(Dataset):\n    def __init__(self, train):\n        self.size = 9 if train else 3"
    for last, status in (("rows = Rows(train=True)", Status.FAIL), ("train(Rows(True))", Status.NEEDS_TA)):
        cells = code_cells(TRAIN, rows, last)
        check = FreshWeights()
        assert check.judge(case(check, factories.evidence(cells))).status is status
