"""Cells of a submission by name, for whoever reads a result without a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from grader.errors import EvidenceError, StoreError
from grader.evidence.record import CellText
from grader.facts.fields import Where
from grader.reporting.cells import cell_name, cells_by_name
from grader.store import Store
from grader.store.results import Result

__all__ = ["NamedCells", "place_name"]

_NUMBER = re.compile(r"\b[Cc]ells? \d")


def place_name(cells: Sequence[CellText], place: Where) -> str:
    """A place as its author finds it, such as ``cell `net = Net()`, no. 12, line 3``."""
    named = cell_name(cells, place.cell)
    return f"{named}, line {place.line}" if place.line else named


class NamedCells:
    """The cells of one result. Evidence is read when the first of them is named, and only then."""

    def __init__(self, store: Store, result: Result) -> None:
        self._store = store
        self._result = result

    @cached_property
    def cells(self) -> Sequence[CellText]:
        """Empty where the evidence cannot be read; cells go by their numbers then."""
        attempt = self._result.attempt
        if attempt is None:
            return ()
        try:
            return self._store.cell_texts(attempt)
        except (StoreError, EvidenceError):
            return ()

    def text(self, message: str) -> str:
        """A message with its cells by name."""
        return cells_by_name(message, self.cells) if _NUMBER.search(message) else message

    def place(self, place: Where) -> str:
        return place_name(self.cells, place)

    def places(self, places: Iterable[Where], said: str = "") -> list[str]:
        """Each cell once, but for those that `said` has named already."""
        first: dict[int, Where] = {}
        for place in places:
            first.setdefault(place.cell, place)
        return [
            self.place(place) for cell, place in first.items() if not re.search(rf"\bno\. {cell}\b", said)
        ]
