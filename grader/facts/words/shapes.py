"""Shapes that the file handed in shows, where our run had another picture than the student's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.evidence.record import ShimKind
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.notebook import is_own, mentions, stored_text

__all__ = ["shape_handed_in"]


def shape_handed_in(case: Case, shape: Sequence[int], names: Sequence[str]) -> Where | None:
    """The student's cell whose stored output has this shape, in the section or beside one of these names.

    None where no picture stood in for one of the web: then our run had what the student's had.
    """
    if not any(shim.kind is ShimKind.IMREAD for shim in case.evidence.shims):
        return None
    sides = r"\s*,\s*".join(str(side) for side in shape)
    stated = re.compile(rf"[(\[]\s*{sides}\s*,?\s*[)\]]")
    here = {cell.index for cell in case.section_cells()} if case.section is not None else set()
    for cell in case.evidence.cells:
        near = cell.index in here or mentions(cell, names)
        if cell.kind == "code" and near and is_own(cell, case) and stated.search(stored_text(cell)):
            return Where(cell=cell.index)
    return None
