"""What one attempt says, worked out once and asked by checks, grading and reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.evidence.codec import Bundle
from grader.facts.code.bindings import Binding, Meaning, bound_in, meanings_of
from grader.facts.code.functions import Functions
from grader.facts.code.source import ParsedCell, parsed_cells
from grader.facts.handout import Handout
from grader.facts.sections import Alignment, Section, align

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """One attempt, its notebook laid beside the rubric's sections.

    Attributes:
        bundle: The attempt's evidence and arrays.
        sections: The rubric's sections by name, found or not.
        alignment: Which cells each of them has.
    """

    bundle: Bundle
    sections: Mapping[str, Section]
    alignment: Alignment

    @classmethod
    def of(cls, bundle: Bundle, sections: Mapping[str, Section], handout: Handout | None = None) -> Facts:
        """Lays the notebook beside the sections and the handout."""
        return cls(bundle, sections, align(bundle.evidence.cells, sections, handout))

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What functions that are asked `once` for each attempt gave."""
        return {}

    @cached_property
    def functions(self) -> Functions:
        """The notebook's functions as syntax."""
        return Functions(self.bundle.evidence.cells)

    @cached_property
    def bindings(self) -> tuple[tuple[ParsedCell, Binding], ...]:
        """Every place that gives a name a value, in the order of the notebook."""
        cells = parsed_cells(self.bundle.evidence.cells)
        return tuple((cell, binding) for cell in cells for binding in bound_in(cell))

    @cached_property
    def meanings(self) -> tuple[Meaning, ...]:
        """What names that every cell sees mean, from place to place."""
        return meanings_of(self.bindings)
