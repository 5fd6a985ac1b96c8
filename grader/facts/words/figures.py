"""A figure that our run printed, found by a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import kept_of_ours

__all__ = ["Figure", "last_figure"]


@dataclass(frozen=True)
class Figure:
    """A printed number and the cell that printed it; `percent`: a percent sign follows it."""

    value: float
    cell: int
    percent: bool = False


def last_figure(case: Case, pattern: str) -> Fact[Figure]:
    """The last number in the section's outputs that is the first group of a pattern; of our run alone."""
    whole = kept_of_ours(case.section_cells())
    if isinstance(whole, Unknown):
        return whole
    found = [figure for cell in case.section_cells() for figure in _figures(cell, pattern)]
    return Known(found[-1]) if found else Unknown("it may be printed in another form")


def _figures(cell: CellRecord, pattern: str) -> list[Figure]:
    outputs = cell.run.outputs if cell.run is not None else ()
    found = [match for output in outputs for match in re.finditer(pattern, output.text)]
    return [
        Figure(float(match[1]), cell.index, re.match(r"\s*%", match.string[match.end(1) :]) is not None)
        for match in found
        if re.fullmatch(r"\d*\.?\d+(e-?\d+)?", match[1] or "")
    ]
