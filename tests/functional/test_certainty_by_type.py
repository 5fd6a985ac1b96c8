"""The type checker refuses a check that takes or gives points on something that may be unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.type_checker import errors_in

HEAD = """\
from grader.facts.known import Fact, Known, Unknown
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding

def rate() -> Fact[float]: ...

"""

REFUSED = {
    "a fail on a fact": """\
def judge() -> Judgement:
    return Judgement.failed("The rate is not 0.1.", on=rate())
""",
    "a pass on a fact": """\
def judge() -> Judgement:
    return Judgement.passed("The rate is 0.1.", on=rate())
""",
    "part of the points on a fact": """\
def judge() -> Judgement:
    return Judgement.partial(0.5, "The rate is nearly 0.1.", on=rate())
""",
    "a share of the points on a fact": """\
def judge(share: float) -> Judgement:
    return Judgement.earned(share, "The rate is nearly 0.1.", on=rate())
""",
    "a fail on nothing": """\
def judge() -> Judgement:
    return Judgement.failed("The rate is not 0.1.")
""",
    "a wrong part on a fact": """\
def judge() -> PartFinding:
    return PartFinding.wrong("rate", "The rate is not 0.1.", on=rate())
""",
    "the value of a fact": """\
def judge() -> bool:
    return rate().value == 0.1
""",
}

TAKEN = """\
def judge() -> Judgement:
    found = rate()
    if isinstance(found, Unknown):
        return Judgement.needs_ta("The rate was not seen.", open=found.why)
    if found.value == 0.1:
        return Judgement.passed("The rate is 0.1.", on=found)
    return Judgement.failed(f"The rate is {found.value}.", on=found)
"""


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_points_on_what_may_be_unknown_are_refused(tmp_path: Path, code: str) -> None:
    assert errors_in(tmp_path, HEAD + code)


def test_a_check_that_says_what_happens_then_is_taken(tmp_path: Path) -> None:
    assert errors_in(tmp_path, HEAD + TAKEN) == []
