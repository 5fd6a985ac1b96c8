"""Numbers that are right but were not kept within a range, and the call that was to keep them there."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.facts.case import Case
from grader.facts.code.discarded import discarded_calls
from grader.facts.fields import Where
from grader.facts.notebook import own_code
from grader.facts.values.compare import Tolerance, as_array, mismatch
from grader.facts.values.variables import Held

__all__ = ["UNCLIPPED", "not_clipped", "unclipped"]

UNCLIPPED = "the numbers are right but not kept within the range"

#: How many numbers must lie between the ends of the range, at least, and as a share of all.
_FEWEST_BETWEEN, _SHARE_BETWEEN = 2, 0.02
_CLIPPING = frozenset({"clip", "clamp"})


def unclipped(expected: np.ndarray, got: Any, tolerance: Tolerance) -> Any:
    """The student's numbers themselves where clipping them to the expected range makes them right.

    Numbers at the ends of the range are right after clipping wherever they were before, so that those between
    have to speak for it: of one number, or of equal ones, there are none.
    """
    found = as_array(got)
    if found is None or found.shape != expected.shape:
        return None
    between = (expected > expected.min(initial=np.inf)) & (expected < expected.max(initial=-np.inf))
    if between.sum() < max(_FEWEST_BETWEEN, _SHARE_BETWEEN * expected.size):
        return None
    clipped = np.clip(found.astype(np.float64), expected.min(), expected.max())
    return got if mismatch(expected, clipped, tolerance) is None else None


def not_clipped(case: Case, held: Held, expected: np.ndarray) -> tuple[str, Where]:
    """A clause that says which range a variable leaves and why, and the place to look at."""
    cause, where = UNCLIPPED, held.where
    for lost in discarded_calls(own_code(case), _CLIPPING):
        where = lost.where
        place = f"line {where.line} of cell {where.cell}"
        cause = f"the result of `{lost.name}` in {place} is thrown away ({lost.name} returns a new array)"
        break
    return f"`{held.name}` goes {_beyond(expected, held.value)}: {cause}", where


def _beyond(expected: np.ndarray, got: Any) -> str:
    """On which side numbers leave the expected ones' range furthest."""
    found = np.asarray(got, dtype=np.float64)
    over, under = found.max() - expected.max(), expected.min() - found.min()
    return f"above {expected.max():g}" if over >= under else f"below {expected.min():g}"
