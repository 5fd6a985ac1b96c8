"""Where each section of the handout begins in a student's copy: by cell id, then by heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grader.evidence.record import CellRecord
from grader.facts.fields import Regex, Strict
from grader.facts.handout import Handout, source_digest

__all__ = ["Alignment", "Section", "align", "headings_of"]


@dataclass(frozen=True)
class Alignment:
    """Cells of each section, counted over all cells of the submitted file.

    Attributes:
        sections: Section name to its cell indices, in order; a section that was not found is absent.
        unchanged: Cells whose source equals the handout's (white space apart).
    """

    sections: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    unchanged: frozenset[int] = frozenset()

    def cells_of(self, section: str) -> tuple[int, ...]:
        return self.sections.get(section, ())

    def section_of(self, cell: int) -> str | None:
        """The innermost section that holds this cell."""
        holding = [(len(cells), name) for name, cells in self.sections.items() if cell in cells]
        return min(holding)[1] if holding else None


def align(
    cells: Sequence[CellRecord], sections: Mapping[str, Section], handout: Handout | None = None
) -> Alignment:
    """Finds the rubric's sections and the handout's own cells in a student's copy.

    A section opens at the first of its ids that is present. One without a surviving id opens at the first
    heading that matches, looked for inside its parent, after the sibling before it and before the sibling
    after it, so that headings may repeat. It ends where the next section that is not inside it begins.
    """
    starts = _starts(cells, sections)
    ends = {name: _end(name, starts, sections, len(cells)) for name in starts}
    found = {name: tuple(range(starts[name], ends[name])) for name in sections if name in starts}
    return Alignment(sections=found, unchanged=_unchanged(cells, handout))


def headings_of(cell: CellRecord) -> list[str]:
    """Markdown headings of a cell, without their marks."""
    if cell.kind != "markdown":
        return []
    lines = (line.strip() for line in cell.source.splitlines())
    return [line.lstrip("#").strip(" *_") for line in lines if line.startswith("#")]


def _starts(cells: Sequence[CellRecord], sections: Mapping[str, Section]) -> dict[str, int]:
    starts = _starts_by_id(cells, sections)
    headings = [headings_of(cell) for cell in cells]
    for parent in _parents_first(sections):
        siblings = [name for name, section in sections.items() if section.within == parent]
        if parent is None:
            low, high = 0, len(cells)
        elif parent in starts:
            low, high = starts[parent], _end(parent, starts, sections, len(cells))
        else:
            continue
        _start_by_heading(headings, sections, siblings, starts, range(low, high))
    return starts


def _starts_by_id(cells: Sequence[CellRecord], sections: Mapping[str, Section]) -> dict[str, int]:
    position: dict[str, int] = {}
    for cell in cells:
        if cell.handout_id is not None:
            position.setdefault(cell.handout_id, cell.index)
    found = {
        name: next((position[given] for given in section.ids if given in position), None)
        for name, section in sections.items()
    }
    return {name: start for name, start in found.items() if start is not None}


def _parents_first(sections: Mapping[str, Section]) -> Iterable[str | None]:
    """None (the whole notebook), then every section, an outer one before those inside it."""
    yield None
    yield from sorted(sections, key=lambda name: len(_ancestors(name, sections)))


def _ancestors(name: str, sections: Mapping[str, Section]) -> list[str]:
    found: list[str] = []
    outer = sections[name].within
    while outer is not None and outer in sections and outer not in found:
        found.append(outer)
        outer = sections[outer].within
    return found


def _start_by_heading(
    headings: Sequence[Sequence[str]],
    sections: Mapping[str, Section],
    siblings: Sequence[str],
    starts: dict[str, int],
    inside: range,
) -> None:
    after = inside.start
    for place, name in enumerate(siblings):
        if name not in starts:
            later = [starts[other] for other in siblings[place + 1 :] if other in starts]
            before = min([inside.stop, *later])
            start = _matching_heading(headings, sections[name].heading, range(after, before))
            if start is not None:
                starts[name] = start
        if name in starts:
            after = max(after, starts[name] + 1)


def _matching_heading(headings: Sequence[Sequence[str]], heading: str | None, among: range) -> int | None:
    if heading is None:
        return None
    pattern = re.compile(heading, re.IGNORECASE)
    matching = (index for index in among if any(map(pattern.search, headings[index])))
    return next(matching, None)


def _end(name: str, starts: Mapping[str, int], sections: Mapping[str, Section], count: int) -> int:
    outside = [
        start
        for other, start in starts.items()
        if start > starts[name] and name not in _ancestors(other, sections)
    ]
    return min([count, *outside])


def _unchanged(cells: Sequence[CellRecord], handout: Handout | None) -> frozenset[int]:
    if handout is None:
        return frozenset()
    empty = source_digest("")
    given = {(cell.kind, cell.sha256) for cell in handout.cells if cell.sha256 != empty}
    given_empty = {cell.id for cell in handout.cells if cell.sha256 == empty and cell.id is not None}
    return frozenset(
        cell.index
        for cell in cells
        if (cell.kind, source_digest(cell.source)) in given
        or (cell.handout_id in given_empty and not cell.source.strip())
    )


class Section(Strict):
    """A stretch of the notebook, from its heading to the next section's.

    Attributes:
        ids: Colab ids of handout cells that open it, tried first; the first one present counts.
        heading: Regular expression for a Markdown heading line, tried next.
        within: Section after whose heading `heading` is looked for (headings such as "Part (a)" repeat).
        title: What to call it in messages.
        says: Regular expression for what the question says in the edition that the rubric judges by.
    """

    title: str
    says: Regex | None = None
    ids: tuple[str, ...] = ()
    heading: Regex | None = None
    within: str | None = None
