"""Long lists a part at a time, for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["PART", "Part", "part_of"]

ItemT = TypeVar("ItemT")

#: Lines of one part.
PART = 50


@dataclass(frozen=True)
class Part(Generic[ItemT]):
    """Some of many.

    Attributes:
        number: Of the part, from 1 to `pages`.
        total: On all parts.
    """

    items: tuple[ItemT, ...]
    number: int
    pages: int
    total: int


def part_of(items: Sequence[ItemT], number: int = 1, size: int = PART) -> Part[ItemT]:
    """One part; the nearest there is where the number is none."""
    pages = max(1, -(-len(items) // size))
    number = min(max(number, 1), pages)
    return Part(tuple(items[(number - 1) * size : number * size]), number, pages, len(items))
