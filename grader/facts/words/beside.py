"""Answers that stand in another section than the one that asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.sections import Section

__all__ = ["answered_beside"]


def answered_beside(case: Case, section: str) -> Iterator[Where]:
    """Students' cells of sections beside this one with a line that begins as its answer would."""
    given = case.sections
    labels = _labels(given[section])
    siblings = (name for name, other in given.items() if other.within == given[section].within)
    for name in siblings:
        for cell in case.section_cells(name) if name != section else ():
            lines = (line.strip() for line in cell.source.splitlines())
            words = [line.lstrip("#*_> ") for line in lines if cell.kind != "code" or line.startswith("#")]
            own = cell.index not in case.alignment.unchanged and case.alignment.cells_of(name)
            if own and any(label.search(line) for line in words for label in labels):
                yield Where(cell=cell.index)


def _labels(section: Section) -> list[re.Pattern[str]]:
    """How a line begins that is about a section: with its heading, or its letter or number."""
    last = re.search(r"\(([a-z])\)$", section.title) or re.match(r"(\d+\.\d+)\b", section.title)
    short = [] if last is None else [rf"^\(?{re.escape(last[1])}(?:\)|[.:]\s|\s-)"]
    long = [] if section.heading is None else [section.heading]
    return [re.compile(label, re.IGNORECASE) for label in (*short, *long)]
