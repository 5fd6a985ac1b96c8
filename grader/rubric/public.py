"""The part of a rubric that students may see the outcome of before they hand in."""

from __future__ import annotations

import math

from grader.judging.check import Early
from grader.rubric.model import Criterion, Rubric

__all__ = ["public_part", "told_early"]


def public_part(rubric: Rubric) -> Rubric:
    """The rubric with its public criteria alone, so that a plan made of it measures nothing else."""
    public = tuple(criterion for criterion in rubric.criteria if criterion.public)
    total = math.fsum(criterion.points for criterion in public)
    return rubric.model_copy(update={"criteria": public, "total": total})


def told_early(criterion: Criterion) -> Early:
    """What a pre-check tells of a criterion; no words where these are held back from reports as well."""
    if not criterion.public:
        return "nothing"
    early = criterion.check.tells_early()
    return "outcome" if early == "words" and criterion.release == "after_remarks" else early
