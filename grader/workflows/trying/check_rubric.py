"""`grader rubric check`: what can be known to be wrong in a rubric before a class suffers from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.case import Reference
from grader.facts.code.bindings import bound_in
from grader.facts.code.source import parsed_cells
from grader.intake import parse_notebook
from grader.rubric.slips import Material, Slip, slips_in
from grader.store.rubrics import LoadedRubric

__all__ = ["Beside", "rubric_slips"]


@dataclass(frozen=True)
class Beside:
    """Notebooks of the lab as they are at hand.

    Attributes:
        handout: Bytes of the blank handout.
        solution: Bytes of a solution.
    """

    handout: bytes | None = None
    solution: bytes | None = None


def rubric_slips(loaded: LoadedRubric, reference: Reference, beside: Beside = Beside()) -> list[Slip]:
    """Compares a rubric's words with torch, the reference and the notebooks given.

    Args:
        loaded: The rubric, with the handout description beside it where it names one.
        reference: The course's reference.
        beside: Names are looked for where a solution is given: a handout may leave them all to students.

    Raises:
        SubmissionError: A file given is no notebook.
    """
    notebooks = [parse_notebook(raw) for raw in (beside.handout, beside.solution) if raw is not None]
    material = Material(
        functions=frozenset(reference.functions),
        networks=frozenset(reference.architectures),
        checks=frozenset(reference.checks),
        handout=loaded.handout,
        notebooks=tuple(notebooks),
        defined=_defined(notebooks) if beside.solution is not None else None,
    )
    return slips_in(loaded.rubric, loaded.text, loaded.name, material)


def _defined(notebooks: Sequence[Sequence[CellRecord]]) -> frozenset[str]:
    parsed = [cell for cells in notebooks for cell in parsed_cells(tuple(cells))]
    return frozenset(binding.name for cell in parsed if cell.tree for binding in bound_in(cell))
