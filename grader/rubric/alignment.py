"""Where each section of the handout begins in a student's copy: by cell id, then by heading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Alignment"]


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
