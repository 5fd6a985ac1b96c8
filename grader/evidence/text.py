"""Text for people, cut so that it shows."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LEFT_OUT", "first_lines", "shortened"]

#: What stands at the end of a text, or of its beginning, where something was left out.
LEFT_OUT = " [...]"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning with a mark behind it; at most so many characters."""
    if len(text) <= most:
        return text
    return text[: max(0, most - len(LEFT_OUT))] + LEFT_OUT


def first_lines(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """The lines, or the first of them and one that says how many more there were."""
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 1], f"and {len(lines) - most + 1} more")
