"""Serial numbers for live objects, by weak reference: an address that is used again is a new object."""

from __future__ import annotations

from typing import Any

from torch.utils.weak import WeakIdKeyDictionary

__all__ = ["Tokens"]


class Tokens:
    """Gives each object its own number, from 0; the same object always the same."""

    def __init__(self) -> None:
        self._numbers: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._next = 0

    def of(self, thing: Any) -> int:
        number = self._numbers.get(thing)
        if number is None:
            number = self.fresh()
            self._numbers[thing] = number
        return int(number)

    def seen(self, thing: Any) -> bool:
        return thing in self._numbers

    def fresh(self) -> int:
        """A number that belongs to no object."""
        self._next += 1
        return self._next - 1
