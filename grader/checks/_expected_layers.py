"""Layers found against layers expected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from grader.checks._steps import Step, same_setting

__all__ = ["fits", "may_hold"]


def fits(found: Step, wanted: Step) -> bool:
    return found.type == wanted.type and all(
        name in found.settings and same_setting(found.settings[name], value)
        for name, value in wanted.settings.items()
    )


def may_hold(found: Sequence[Step], expected: Sequence[Step]) -> bool:
    """Whether layers registered in some order may be those expected, and some that are never called.

    One more of the same kind whose size fits between its neighbours is no left-over.
    """
    left = list(found)
    for wanted in sorted(expected, key=lambda step: -len(step.settings)):
        fitting = next((step for step in left if fits(step, wanted)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    kinds = {step.type for step in expected}
    return not (any(step.type in kinds for step in left) and _is_chain(found))


def _is_chain(steps: Sequence[Step]) -> bool:
    """Whether each layer takes as many numbers as the one before it gives."""
    pairs = pairwise(steps)
    return all(one.settings.get("out_features") == two.settings.get("in_features") for one, two in pairs)
