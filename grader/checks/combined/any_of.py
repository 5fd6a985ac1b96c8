"""One of several checks is enough."""

from __future__ import annotations

from typing import ClassVar, Literal

from grader.facts.case import Case
from grader.judging.combined import Combined, one_counts
from grader.judging.judgement import Judgement

__all__ = ["AnyOf"]


class AnyOf(Combined):
    """Several checks of which one is enough: ways to do what was asked for, as with biases or without.

    It passes where one of them passes for certain, whatever the others say, and fails only where all fail.
    In between a TA looks: with what the best of them has settled, and each one's reason. Partial answers earn
    what the best of them earns. Each check has its own keys; all of them are measured in one run.

    Attributes:
        of: Two checks or more, of which the first that passes is told.
    """

    example: ClassVar[str] = """\
- id: network-size
  title: A network of the right size, with biases or without
  points: 1
  check: any_of
  of:
    - {check: parameter_count, target: {names: [Net]}, expected: 27}
    - {check: parameter_count, target: {names: [Net]}, expected: 24}
"""

    check: Literal["any_of"] = "any_of"

    def judge(self, case: Case) -> Judgement:
        return one_counts(self.judged(case))
