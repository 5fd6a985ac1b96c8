"""Rows of numbers as Python, NumPy and torch print them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.facts.known import Known

__all__ = ["PrintedArray", "printed_arrays"]

_NUMBERS = r"[\d\s.,eE+\-]"
_BRACKETS = re.compile(rf"(?P<library>(?:tensor|array)\(\s*)?(?P<row>\[(?:{_NUMBERS}|\[{_NUMBERS}*\])*\])")
#: One number of a list, as a library writes it: ``tensor(0.5)``, ``np.float32(0.5)``.
_ITEM = re.compile(r"\b(?:tensor|array|(?:np|numpy)\.\w+)\(\s*([-+]?[\d.][\d.eE+\-]*)[^()\[\]]*\)")


@dataclass(frozen=True)
class PrintedArray:
    """A row of numbers in a text.

    Attributes:
        in_list: It is written as a Python list, rather than as one array or tensor.
    """

    numbers: tuple[float, ...]
    in_list: bool


def printed_arrays(text: str) -> Iterator[Known[PrintedArray]]:
    """Rows of numbers; of a matrix of several rows none."""
    for match in _BRACKETS.finditer(_ITEM.sub(r"\1", text)):
        inner = match["row"].strip("[] \n")
        tokens = [token for token in re.split(r"[\s,]+", inner) if token]
        if "[" in inner or not tokens:
            continue
        try:
            numbers = tuple(float(token) for token in tokens)
        except ValueError:
            continue
        yield Known(PrintedArray(numbers, in_list="," in inner and match["library"] is None))
