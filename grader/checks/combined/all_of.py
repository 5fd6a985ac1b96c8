"""Several checks that all have to pass."""

from __future__ import annotations

from typing import ClassVar, Literal

from grader.facts.case import Case
from grader.judging.combined import Combined, all_count
from grader.judging.judgement import Judgement

__all__ = ["AllOf"]


class AllOf(Combined):
    """Several checks that all have to pass for the points: what is right in part only was not asked for.

    It passes where all pass, and fails where one fails for certain, whatever is open with the others. In
    between a TA looks, with each one's reason. Partial answers earn what the worst of them earns; where each
    part is to earn its own points, write criteria of their own. All of them are measured in one run.

    Attributes:
        of: Two checks or more.
    """

    example: ClassVar[str] = """\
- id: network
  title: A network of the right size that gives ten scores
  points: 2
  check: all_of
  of:
    - {check: parameter_count, target: {names: [PetNet]}, expected: 1313}
    - {check: output_shape, target: {names: [PetNet]}, input: [4, 3, 32, 32], expected: [4]}
"""

    check: Literal["all_of"] = "all_of"

    def judge(self, case: Case) -> Judgement:
        return all_count(self.judged(case))
