"""What a probe was to look for, in words."""

from __future__ import annotations

from grader.evidence.plan import Target

__all__ = ["describe"]


def describe(target: Target) -> str:
    """A target in words, as ``small_net or SmallNet``."""
    if target.names:
        return " or ".join(f"`{name}`" for name in target.names)
    if target.expression is not None:
        return f"`{target.expression}`"
    if target.discover is not None:
        return f"a network for inputs of shape {list(target.discover.input_shape)}"
    return "the thing asked for"
