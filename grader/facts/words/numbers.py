"""Numbers in running text, and whether one is among them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from grader.facts.known import Fact, Known, Unknown

__all__ = ["GROUPED", "numbers_in", "smallest_after", "states"]


_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d+)*(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)")


_DECIMAL = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


#: Thousands set apart by a space or an apostrophe.
GROUPED = re.compile(r"(?<![\w.,'])\d{1,3}(?:[ \u00a0\u2009\u202f']\d{3})+(?!\w|[.,']\d)")


def states(numbers: Iterable[float], wanted: float, tolerance: float = 0.0) -> bool:
    """Whether a number is among those stated; NaN never is."""
    margin = max(tolerance, 1e-9 * abs(wanted))
    return any(abs(number - wanted) <= margin for number in numbers)


def numbers_in(text: str) -> tuple[float, ...]:
    """Numbers in running text; ``8,000`` is eight thousand and also, as a list may look, 8 and 0."""
    found: list[float] = []
    for token in _NUMBER.findall(text):
        found.append(float(token.replace(",", "")))
        if "," in token:
            found.extend(float(part) for part in token.split(","))
    return tuple(number for number in found if math.isfinite(number))


def smallest_after(pattern: str, texts: Iterable[str]) -> Fact[float]:
    """The smallest of the numbers that stand in the one group of a pattern."""
    tokens = [token.rstrip(".") for text in texts for token in re.findall(pattern, text)]
    found = [float(token) for token in tokens if _DECIMAL.fullmatch(token)]
    return Known(min(found)) if found else Unknown("no such number was printed")
