"""The shape of a variable, asked for in a section that may come after the one that made it."""

from __future__ import annotations

import re
from typing import Any, Literal

from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.notebook import printed
from grader.facts.values.compare import as_array
from grader.facts.values.variables import Held, variable
from grader.facts.words.answers import answer_in

__all__ = ["judge_shape"]

Told = tuple[Literal["right", "wrong", "open"], str, dict[str, Any]]


def judge_shape(case: Case, held: Held, shape: tuple[int, ...], follows: str | None) -> Told:
    """Compares a variable's shape with the one expected, or with that of the variable that it follows from.

    A variable that was there before the section says nothing about a section in which nothing was done.

    Returns:
        State, sentence, and the places and data of a finding.
    """
    array = as_array(held.value)
    found = None if array is None else array.shape
    answer = answer_in(case)
    earlier = held.cell < min((cell.index for cell in case.section_cells()), default=0)
    if earlier and not answer.touched:
        return _untouched(case, held, found, answer.where)
    more: dict[str, Any] = {
        "where": answer.where if earlier else (held.where,),
        "data": {"name": held.name, "expected": list(shape), "got": None if found is None else list(found)},
    }
    if found == shape:
        return "right", f"`{held.name}` has the shape {list(shape)}.", more
    followed = variable(case, [follows]) if follows else None
    source = as_array(followed.value) if isinstance(followed, Held) else None
    if source is not None and source.shape == found:
        return "right", f"`{held.name}` has the shape {list(source.shape)}, as `{follows}` has.", more
    got = "is no array" if found is None else f"has the shape {list(found)}"
    return "wrong", f"`{held.name}` {got}; expected {list(shape)}.", more


def _untouched(case: Case, held: Held, shape: tuple[int, ...] | None, where: tuple[Where, ...]) -> Told:
    """A section left as it was; the shape may stand before it, or in the section after it."""
    cells = [cell.index for cell in case.section_cells()]
    following = case.alignment.section_of(cells[-1] + 1)
    near = {*range(held.cell, cells[0]), *case.alignment.cells_of(following or "")}
    stated = re.compile(r"\b" + r"\D{1,3}".join(map(str, shape)) + r"\b") if shape else None
    for cell in case.evidence.cells:
        own = cell.index in near - case.alignment.unchanged
        if stated is not None and own and stated.search(printed(cell)):
            text = f"This part was left as it was, but cell {cell.index} shows the shape; a TA looks at it."
            return "open", text, {"where": (Where(cell=cell.index),)}
    return "wrong", "Nothing was handed in for this part.", {"where": where}
