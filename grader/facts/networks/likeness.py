"""Layers found against layers expected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from grader.facts.networks.steps import Step, same_setting

__all__ = ["continues", "differing", "fits", "may_hold", "rival"]

#: Layers of which one does not do the work of another.
_FAMILIES = (
    frozenset({"AvgPool2d", "LPPool2d", "MaxPool2d"}),
    frozenset({"AvgPool1d", "MaxPool1d"}),
    frozenset({"AdaptiveAvgPool2d", "AdaptiveMaxPool2d"}),
    frozenset({"ELU", "GELU", "LeakyReLU", "ReLU", "Sigmoid", "SiLU", "Softplus", "Tanh"}),
)


def fits(found: Step, wanted: Step) -> bool:
    return found.type == wanted.type and all(
        name in found.settings and same_setting(found.settings[name], value)
        for name, value in wanted.settings.items()
    )


def continues(found: Sequence[Step], expected: Sequence[Step]) -> bool:
    """Whether the layers begin with those expected and go on with layers of the same types."""
    kinds = {step.type for step in expected}
    begins = len(found) >= len(expected) and all(map(fits, found, expected))
    return begins and all(step.type in kinds for step in found) and _is_chain(found)


def differing(found: Sequence[Step], expected: Sequence[Step]) -> str:
    """A sentence on the first setting that is not as asked and that the sizes shown do not tell."""
    for place, (have, want) in enumerate(zip(found, expected, strict=False), start=1):
        if have.type != want.type:
            return ""
        for name, value in want.settings.items():
            if name not in have.settings or not same_setting(have.settings[name], value):
                given = have.settings.get(name, "not known")
                hidden = name not in ("in_channels", "out_channels", "in_features", "out_features")
                return f" In layer {place} {name} is {given}; it was to be {value}." if hidden else ""
    return ""


def rival(found: Sequence[Step], expected: Sequence[Step]) -> tuple[str, str] | None:
    """A kind of pooling or activation that is there, and the one that was asked for in its place."""
    have, want = {step.type for step in found}, {step.type for step in expected}
    for family in _FAMILIES:
        asked, other = want & family, have & family
        if asked and other and not asked & other:
            return min(other), min(asked)
    return None


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
